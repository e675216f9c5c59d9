import { ChangeType, diff, type SerializableChange } from '@graphql-inspector/core';
import type { GraphQLSchema } from 'graphql';
import type { Contract } from '../contracts.ts';
import type { Assessment, Assessors, Schemas } from './assess/assessment.ts';
import { deprecationAssessors } from './assess/deprecation.ts';
import { inputAssessors } from './assess/input.ts';
import { outputAssessors } from './assess/output.ts';
import type { Change, Felt } from './change.ts';
import type { Evidence, ReadOperation } from './evidence.ts';
import { feltByUsage } from './felt-by-usage.ts';

/** What a change of one contract's API means before anybody asks which subgraph made it. */
export type ApiChange = Omit<Change, 'subgraphs' | 'place' | 'approval'>;

/**
 * Compares what the clients of a contract saw with what they will see. A change is breaking when a registered operation, or a request that was seen
 * lately, would feel it; an operation that is not valid any more is never overlooked, whatever made it so.
 */
export async function apiChanges(contract: Contract, schemas: Schemas, evidence: Evidence): Promise<ApiChange[]> {
  const found = (await diff(schemas.before, schemas.after)) as SerializableChange[];
  const changes = withoutEchoes(found as Found[], schemas.before).flatMap((change) => {
    const assessment = assess(change, schemas);
    return assessment ? [judged(change, assessment, contract, evidence)] : [];
  });
  return [...changes, ...unexplained(changes, contract, evidence)];
}

type Found = SerializableChange & { path?: string; message: string };

const assessors: Assessors = { ...outputAssessors, ...inputAssessors, ...deprecationAssessors };

function assess({ type, meta }: SerializableChange, schemas: Schemas): Assessment | undefined {
  const assessor = assessors[type] as ((given: typeof meta, schemas: Schemas) => Assessment) | undefined;
  return assessor?.(meta, schemas);
}

/** What is inside a type, field or directive that is new says nothing that the new thing itself does not. */
function withoutEchoes(found: Found[], before: GraphQLSchema): Found[] {
  return found.filter(({ type, path = '' }) => {
    const [typeName = '', fieldName] = path.split('.');
    if (typeName.startsWith('@')) return type === ChangeType.DirectiveAdded || before.getDirective(typeName.slice(1));
    const known = before.getType(typeName);
    if (!known) return type === ChangeType.TypeAdded || type === ChangeType.ObjectTypeInterfaceAdded;
    const isNewField = fieldName !== undefined && 'getFields' in known && !(fieldName in known.getFields());
    return !isNewField || type === ChangeType.FieldAdded || type === ChangeType.InputFieldAdded;
  });
}

function judged(change: Found, assessment: Assessment, contract: Contract, evidence: Evidence): ApiChange {
  const feltBy = [
    ...evidence.operations.flatMap((operation) => feltByOperation(operation, assessment)),
    ...feltByUsage(evidence.usage, assessment),
  ];
  const { verdict, reason, remedy = null } = feltBy.length > 0 ? assessment.whenFelt : assessment.otherwise;
  return {
    kind: change.type,
    coordinate: coordinateOf(change),
    message: change.message,
    verdict,
    reason,
    remedy,
    contracts: [contract],
    feltBy,
  };
}

export function feltByOperation(operation: ReadOperation, { feels }: Pick<Assessment, 'feels'>): Felt[] {
  const how = feels(operation);
  if (how === undefined) return [];
  const { contract, client, version, name, since } = operation;
  return [{ contract, client, version, operation: name, how, since, lastSeenAt: null }];
}

/** graphql-inspector writes `Order.lines.first`; the coordinate is `Order.lines(first:)`. */
function coordinateOf({ type, path = '', meta }: Found): string {
  const [typeName, fieldName, argument] = path.split('.');
  if (typeName?.startsWith('@')) return fieldName ? `${typeName}(${fieldName}:)` : typeName;
  if (type.startsWith('FIELD_ARGUMENT') && argument) return `${typeName}.${fieldName}(${argument}:)`;
  if (type.startsWith('UNION_MEMBER')) return typeName ?? '';
  if (type === ChangeType.ObjectTypeInterfaceAdded) return meta.objectTypeName;
  if (type === ChangeType.ObjectTypeInterfaceRemoved) return meta.objectTypeName;
  return path.replace(/\.@deprecated$/, '');
}

/** Operations that are not valid any more although no change was found that says why. */
function unexplained(changes: ApiChange[], contract: Contract, { operations }: Evidence): ApiChange[] {
  const isExplained = (operation: ReadOperation) =>
    changes.some(
      ({ verdict, feltBy }) =>
        verdict === 'breaking' &&
        feltBy.some(
          (felt) =>
            felt.operation === operation.name && felt.client === operation.client && felt.version === operation.version,
        ),
    );
  return operations
    .filter((operation) => operation.faults.length > 0 && !isExplained(operation))
    .map((operation) => ({
      kind: 'OPERATION_REFUSED',
      coordinate: operation.name,
      message: `The operation ${operation.name} is not valid any more: ${operation.faults[0]}`,
      verdict: 'breaking',
      reason: 'The gateway refuses what is not valid.',
      remedy: 'Keep what the operation asks for, or let its client register another one first.',
      contracts: [contract],
      feltBy: feltByOperation(operation, { feels: () => 'is refused' }),
    }));
}
