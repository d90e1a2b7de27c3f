// The official AsyncAPI parser reads mqtt-schemas/asyncapi.yaml with all the schemas that it refers to. Prints what it has
// to say; fails on any error or warning, and where a payload was not resolved.
import { fileURLToPath } from 'node:url';
import { Parser, fromFile } from '@asyncapi/parser';

const path = process.argv[2] ?? fileURLToPath(new URL('../../mqtt-schemas/asyncapi.yaml', import.meta.url));
const SEVERITY = ['error', 'warning', 'information', 'hint'];

const { document, diagnostics } = await fromFile(new Parser(), path).parse();
for (const d of diagnostics) {
  const line = (d.range?.start.line ?? 0) + 1;
  console.log(`${d.source ?? path}:${line}: ${SEVERITY[d.severity]}: ${d.code}: ${d.path.join('/')}: ${d.message}`);
}

let bad = diagnostics.filter((d) => d.severity <= 1).length;
if (document) {
  for (const message of document.allMessages().all()) {
    const schema = message.payload()?.json();
    if (!schema || schema.$ref || JSON.stringify(schema).includes('"$ref":"./')) {
      console.log(`${path}: error: ${message.id()}: its payload is not resolved`);
      bad += 1;
    }
  }
  const { length: channels } = document.allChannels().all();
  const { length: operations } = document.allOperations().all();
  console.log(`asyncapi: ${channels} channels, ${operations} operations, ${bad} errors and warnings`);
} else {
  console.log(`${path}: error: not parsed`);
  bad += 1;
}
process.exit(bad ? 1 : 0);
