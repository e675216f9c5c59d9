import { operationFromDocument } from '@apollo/federation-internals';
import { parse } from 'graphql';
import { beforeAll, describe, expect, it } from 'vitest';
import { compose } from '../../../test/tiny-graph.ts';
import { shop } from '../../../test/tiny-shop.ts';
import { conditionValues } from '../condition-values.ts';
import { createGraph, type Graph } from '../graph.ts';
import { positionsOf } from '../positions.ts';
import { shapeOf } from '../shape.ts';
import { stepsOf } from '../steps.ts';
import { collectorCode } from './collector.ts';
import { writerCode } from './writer.ts';

let graph: Graph;

beforeAll(async () => {
  graph = await createGraph(compose(shop));
});

/** The code that is generated for an operation: how its response is written, and how the representations for each entity fetch are collected. */
function generate(query: string): { writer: string; collectors: string[] } {
  const operation = operationFromDocument(graph.apiSchema, parse(query));
  const conditions = conditionValues(new Map(), {});
  if (!conditions) throw new Error('Expected no conditions.');
  const { fetches } = stepsOf(graph.planner.buildQueryPlan(operation), conditions);
  const root = positionsOf(fetches, conditions);
  return {
    writer: writerCode(shapeOf(operation, root, conditions, graph), graph, false),
    collectors: fetches.filter(({ node }) => node.requires).map((fetch) => collectorCode(fetch, root, graph)),
  };
}

describe('the writer', () => {
  it('writes names as literals and checks each value', () => {
    expect(generate('{ me { id name } products { state tags } }').writer).toMatchInlineSnapshot(`
      "const enumState = new Map([["FOR_SALE","\\"FOR_SALE\\""],["GONE","\\"GONE\\""]]);
      // the root
      function write0(s0, s1) {
        let out;
        const v0s0 = s0.me;
        out = '{"me":' + (v0s0 === null ? 'null' : typeof v0s0 === 'object' && v0s0 !== null && !Array.isArray(v0s0) ? write1(v0s0) : unexpected());
        const v1s1 = s1.products;
        if (!Array.isArray(v1s1)) unexpected();
        out += ',"products":' + '[';
        for (let v1s1i = 0; v1s1i < v1s1.length; v1s1i++) {
          if (v1s1i > 0) out += ',';
          const v1s1e = v1s1[v1s1i];
          out += (typeof v1s1e === 'object' && v1s1e !== null && !Array.isArray(v1s1e) ? write2(v1s1e) : unexpected());
        }
        out += ']';
        return out + '}';
      }
      // me
      function write1(s0) {
        let out;
        const v0 = s0.id;
        out = '{"id":' + (typeof v0 === 'string' ? '"' + v0 + '"' : integer(v0));
        const v1 = s0.name;
        out += ',"name":' + (typeof v1 === 'string' ? '"' + v1 + '"' : unexpected());
        return out + '}';
      }
      // products
      function write2(s1) {
        let out;
        const v0 = s1.state;
        out = '{"state":' + (enumState.get(v0) ?? unexpected());
        const v1 = s1.tags;
        if (v1 === null) {
          out += ',"tags":' + 'null';
        }
        else {
          if (!Array.isArray(v1)) unexpected();
          out += ',"tags":' + '[';
          for (let v1i = 0; v1i < v1.length; v1i++) {
            if (v1i > 0) out += ',';
            const v1e = v1[v1i];
            out += (typeof v1e === 'string' ? '"' + v1e + '"' : unexpected());
          }
          out += ']';
        }
        return out + '}';
      }
      return function write(run) {
        return write0(run.data[0], run.data[1]);
      }"
    `);
  });

  it('takes fields from the entities that were fetched for them, and writes an entity once', () => {
    expect(generate('{ reviews { author { id name } } }').writer).toMatchInlineSnapshot(`
      "let index1, entities1, at1, texts0;
      // the root
      function write0(s0) {
        let out;
        const v0s0 = s0.reviews;
        if (!Array.isArray(v0s0)) unexpected();
        out = '{"reviews":' + '[';
        for (let v0s0i = 0; v0s0i < v0s0.length; v0s0i++) {
          if (v0s0i > 0) out += ',';
          const v0s0e = v0s0[v0s0i];
          out += (typeof v0s0e === 'object' && v0s0e !== null && !Array.isArray(v0s0e) ? write1(v0s0e) : unexpected());
        }
        out += ']';
        return out + '}';
      }
      // reviews
      function write1(s0) {
        let out;
        const v0s0 = s0.author;
        out = '{"author":' + (v0s0 === null ? 'null' : typeof v0s0 === 'object' && v0s0 !== null && !Array.isArray(v0s0) ? write2(v0s0) : unexpected());
        return out + '}';
      }
      // reviews.author
      function write2(s0) {
        const i1 = index1[at1++];
        const s1 = i1 < 0 ? undefined : entities1[i1] ?? undefined;
        if (i1 >= 0 && texts0[i1] !== undefined) {
          return texts0[i1];
        }
        if (s0.__typename !== "User") unexpected();
        let out;
        const v0 = s0.id;
        out = '{"id":' + (typeof v0 === 'string' ? '"' + v0 + '"' : integer(v0));
        const v1 = (s1 !== undefined ? s1.name : null);
        out += ',"name":' + (typeof v1 === 'string' ? '"' + v1 + '"' : unexpected());
        out += '}';
        if (i1 >= 0) {
          texts0[i1] = out;
        }
        return out;
      }
      return function write(run) {
        index1 = run.index[1];
        entities1 = run.entities[1];
        at1 = 0;
        texts0 = [];
        try {
          const text = write0(run.data[0]);
          if (at1 !== index1.length) astray();
          return text;
        }
        finally {
          index1 = entities1 = at1 = texts0 = undefined;
        }
      }"
    `);
  });

  it('goes by the type that an object tells', () => {
    expect(generate('{ media { id ... on Book { pages } } }').writer).toMatchInlineSnapshot(`
      "// the root
      function write0(s0) {
        let out;
        const v0s0 = s0.media;
        if (!Array.isArray(v0s0)) unexpected();
        out = '{"media":' + '[';
        for (let v0s0i = 0; v0s0i < v0s0.length; v0s0i++) {
          if (v0s0i > 0) out += ',';
          const v0s0e = v0s0[v0s0i];
          out += (typeof v0s0e === 'object' && v0s0e !== null && !Array.isArray(v0s0e) ? write1(v0s0e) : unexpected());
        }
        out += ']';
        return out + '}';
      }
      // media
      function write1(s0) {
        const typename = s0.__typename;
        let out;
        switch (typename) {
          case "Book": {
            const v0 = s0.id;
            out = '{"id":' + (typeof v0 === 'string' ? '"' + v0 + '"' : integer(v0));
            const v1 = s0.pages;
            out += ',"pages":' + (v1 === null ? 'null' : (v1 | 0) === v1 ? v1 : integer(v1));
            break;
          }
          case "Film": {
            const v0 = s0.id;
            out = '{"id":' + (typeof v0 === 'string' ? '"' + v0 + '"' : integer(v0));
            break;
          }
          default:
            unexpected();
        }
        return out + '}';
      }
      return function write(run) {
        return write0(run.data[0]);
      }"
    `);
  });
});

describe('a collector', () => {
  it('puts down each representation once, and which one belongs to each object', () => {
    expect(generate('{ reviews { author { name } } }').collectors[0]).toMatchInlineSnapshot(`
      "return function collect(run) {
        const known = new Numbering();
        const index = [];
        let text = '';
        const s0 = run.data[0];
        const v0_0 = s0.reviews;
        if (v0_0 !== null && v0_0 !== undefined) {
          if (!Array.isArray(v0_0)) unexpected();
          for (let v0i = 0; v0i < v0_0.length; v0i++) {
            const v0i_0 = v0_0[v0i];
            if (v0i_0 !== null && v0i_0 !== undefined) {
              if (typeof v0i_0 !== 'object' || Array.isArray(v0i_0)) unexpected();
              const s0 = v0i_0;
              const v1_0 = s0.author;
              if (v1_0 !== null && v1_0 !== undefined) {
                if (typeof v1_0 !== 'object' || Array.isArray(v1_0)) unexpected();
                const s0 = v1_0;
                const typename = s0.__typename;
                switch (typename) {
                  case "User": {
                    const k0 = s0.id;
                    if (k0 === undefined) {
                      index.push(-1);
                      break;
                    }
                    if (typeof k0 === 'object' && k0 !== null) unexpected();
                    let number = known.of(k0);
                    if (number === -1) {
                      number = known.add(k0);
                      if (number > 0) text += ',';
                      text += '{"__typename":"User"' + ',"id":' + json(k0) + '}';
                    }
                    index.push(number);
                    break;
                  }
                  default:
                    index.push(-1);
                }
              }
            }
          }
        }
        return { text, count: known.size, index };
      }"
    `);
  });

  it('reads what an earlier fetch has brought', () => {
    expect(generate('{ me { reviews { product { title } } } }').collectors[1]).toMatchInlineSnapshot(`
      "return function collect(run) {
        const index1 = run.index[1], entities1 = run.entities[1]; let at1 = 0;
        const known = new Numbering();
        const index = [];
        let text = '';
        const s0 = run.data[0];
        const v0_0 = s0.me;
        if (v0_0 !== null && v0_0 !== undefined) {
          if (typeof v0_0 !== 'object' || Array.isArray(v0_0)) unexpected();
          const s0 = v0_0;
          const i1 = index1[at1++];
          const s1 = i1 < 0 ? undefined : entities1[i1] ?? undefined;
          const v1_0 = (s1 !== undefined ? s1.reviews : undefined);
          if (v1_0 !== null && v1_0 !== undefined) {
            if (!Array.isArray(v1_0)) unexpected();
            for (let v1i = 0; v1i < v1_0.length; v1i++) {
              const v1i_0 = v1_0[v1i];
              if (v1i_0 !== null && v1i_0 !== undefined) {
                if (typeof v1i_0 !== 'object' || Array.isArray(v1i_0)) unexpected();
                const s1 = v1i_0;
                const v2_0 = s1.product;
                if (v2_0 !== null && v2_0 !== undefined) {
                  if (typeof v2_0 !== 'object' || Array.isArray(v2_0)) unexpected();
                  const s1 = v2_0;
                  const typename = s1.__typename;
                  switch (typename) {
                    case "Product": {
                      const k0 = s1.upc;
                      if (k0 === undefined) {
                        index.push(-1);
                        break;
                      }
                      if (typeof k0 === 'object' && k0 !== null) unexpected();
                      let number = known.of(k0);
                      if (number === -1) {
                        number = known.add(k0);
                        if (number > 0) text += ',';
                        text += '{"__typename":"Product"' + ',"upc":' + json(k0) + '}';
                      }
                      index.push(number);
                      break;
                    }
                    default:
                      index.push(-1);
                  }
                }
              }
            }
          }
        }
        if (at1 !== index1.length) astray();
        return { text, count: known.size, index };
      }"
    `);
  });

  it('tells representations of several fields apart by their text', () => {
    expect(generate('{ products { shipping } }').collectors[0]).toMatchInlineSnapshot(`
      "return function collect(run) {
        const known = new Numbering();
        const index = [];
        let text = '';
        const s0 = run.data[0];
        const v0_0 = s0.products;
        if (v0_0 !== null && v0_0 !== undefined) {
          if (!Array.isArray(v0_0)) unexpected();
          for (let v0i = 0; v0i < v0_0.length; v0i++) {
            const v0i_0 = v0_0[v0i];
            if (v0i_0 !== null && v0i_0 !== undefined) {
              if (typeof v0i_0 !== 'object' || Array.isArray(v0i_0)) unexpected();
              const s0 = v0i_0;
              const typename = s0.__typename;
              switch (typename) {
                case "Product": {
                  const k0 = s0.upc;
                  const k1 = s0.weight;
                  if (k0 === undefined || k1 === undefined) {
                    index.push(-1);
                    break;
                  }
                  const representation = '{"__typename":"Product"' + ',"upc":' + json(k0) + ',"weight":' + json(k1) + '}';
                  let number = known.of(representation);
                  if (number === -1) {
                    number = known.add(representation);
                    if (number > 0) text += ',';
                    text += representation;
                  }
                  index.push(number);
                  break;
                }
                default:
                  index.push(-1);
              }
            }
          }
        }
        return { text, count: known.size, index };
      }"
    `);
  });
});
