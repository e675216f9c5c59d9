import type { ApolloServerOptionsWithGateway } from '@apollo/server';
import type { RequestScope } from './request-scope.ts';

/** What Apollo Server asks to execute operations. What stands before a gateway here is one itself, so that they can be put before one another. */
export type GatewayInterface = ApolloServerOptionsWithGateway<RequestScope>['gateway'];
export type GatewayExecutor = NonNullable<Awaited<ReturnType<GatewayInterface['load']>>['executor']>;
export type GatewayRequest = Parameters<GatewayExecutor>[0];
export type GatewayResult = Awaited<ReturnType<GatewayExecutor>>;
