import type { SerializableChange } from '@graphql-inspector/core';
import { type GraphQLSchema, getNamedType, isInterfaceType, isObjectType } from 'graphql';
import type { Verdict } from '../change.ts';
import { type Deprecation, deprecationOf } from '../deprecation.ts';
import type { ReadOperation } from '../evidence.ts';

/** What a kind of change means: who feels it, and what follows from that. */
export interface Assessment {
  /** What an operation does that lets it feel the change, such as `selects it`; undefined when it does not feel it. */
  feels: (operation: ReadOperation) => string | undefined;
  /** Coordinates by whose recorded use the change is felt. */
  usedAt: readonly string[];
  whenFelt: Judgement;
  otherwise: Judgement;
}

export interface Judgement {
  verdict: Verdict;
  reason: string;
  remedy?: string;
}

/** The schema that clients saw, the one they will see, and the day on which they will (`YYYY-MM-DD`, UTC). */
export interface Schemas {
  before: GraphQLSchema;
  after: GraphQLSchema;
  today: string;
}

/** For each kind of change that graphql-inspector finds, how it is assessed; what is not here concerns no client. */
export type Assessors = {
  [Kind in SerializableChange['type']]?: (
    meta: Extract<SerializableChange, { type: Kind }>['meta'],
    schemas: Schemas,
  ) => Assessment;
};

export function safe(reason: string): Assessment {
  const judgement: Judgement = { verdict: 'safe', reason };
  return { feels: () => undefined, usedAt: [], whenFelt: judgement, otherwise: judgement };
}

/** Clients that read a type may from now on meet in it what was not there when they were written: a value of an enum, a type behind an abstract one. */
export function anotherToMeet(
  typeName: string,
  kind: 'value' | 'type',
  { before }: Pick<Schemas, 'before'>,
): Assessment {
  return {
    feels: ({ uses }) => (uses.receives.has(typeName) ? 'reads it' : undefined),
    usedAt: fieldsThatReturn(typeName, before),
    whenFelt: {
      verdict: 'dangerous',
      reason: `Clients that read ${typeName} may meet a ${kind} they do not know.`,
      remedy: `Ask these clients whether they can do with a ${kind} they do not know.`,
    },
    otherwise: { verdict: 'safe', reason: `No registered operation reads ${typeName}.` },
  };
}

/** By what a client that was seen reads a type: the coordinates of all fields that lead to it. */
function fieldsThatReturn(typeName: string, schema: GraphQLSchema): string[] {
  return Object.values(schema.getTypeMap()).flatMap((type) =>
    isObjectType(type) || isInterfaceType(type)
      ? Object.values(type.getFields())
          .filter((field) => getNamedType(field.type).name === typeName)
          .map((field) => `${type.name}.${field.name}`)
      : [],
  );
}

/** Something that clients may use goes away: what was promised when it was deprecated decides, unless somebody still uses it. */
export function removal(
  { deprecationReason, what }: { deprecationReason: string | null | undefined; what: string },
  today: string,
  { feels, usedAt }: Pick<Assessment, 'feels' | 'usedAt'>,
): Assessment {
  const deprecation = deprecationOf(deprecationReason, today);
  return {
    feels,
    usedAt,
    whenFelt: {
      verdict: 'breaking',
      reason: `Clients that still use ${what} get an error instead of an answer.`,
      remedy: remedies[deprecation.state](what),
    },
    otherwise: unused(deprecation, what),
  };
}

const remedies: Record<Deprecation['state'], (what: string) => string> = {
  none: (what) =>
    `Keep ${what}, mark it @deprecated(reason: "Use …. Removal not before YYYY-MM-DD."), and let these clients move on first.`,
  undated: (what) =>
    `Keep ${what}, give its deprecation a day ("Removal not before YYYY-MM-DD."), and tell these clients.`,
  promised: (what) => `Keep ${what} until the day that was promised, and remind these clients of it.`,
  due: (what) => `The day that was promised has passed: these clients must stop using ${what} before it can go.`,
};

function unused(deprecation: Deprecation, what: string): Judgement {
  switch (deprecation.state) {
    case 'none':
      return {
        verdict: 'dangerous',
        reason: `No registered operation uses ${what}, but it was never deprecated: clients that are not registered had no warning.`,
      };
    case 'undated':
      return {
        verdict: 'dangerous',
        reason: `No registered operation uses ${what}, but its deprecation names no day until which it stays.`,
      };
    case 'promised':
      return {
        verdict: 'dangerous',
        reason: `No registered operation uses ${what}, but its deprecation promises it until ${deprecation.until}.`,
        remedy: `Wait until ${deprecation.until}.`,
      };
    case 'due':
      return {
        verdict: 'safe',
        reason: `It was deprecated, could go since ${deprecation.since}, and no registered operation uses it.`,
      };
  }
}
