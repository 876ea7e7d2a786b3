import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wrongEncrypts, wrongVariables, wrongWrites } from './command-lines.ts';
import { brokenFiles, wrongDocuments } from './documents.ts';
import { Stage } from './stage.ts';
import { begin, environment, main, searchEverything, watchGenerated } from './story.ts';

const full = process.env.SECRETCTL_FULL === '1';
let stage: Stage;

beforeAll(() => {
  stage = new Stage();
});
afterAll(() => stage.close());

// A valid name in place of another one is a name, and shown as such: what can be none, and what stands where a value
// belongs, may be a secret.
describe('with the real command line, no secret is shown', { timeout: 600_000 }, () => {
  it('while documents are applied', () => {
    begin(stage);
    stage.run(['apply', '-auto-approve', '-allow-file=../files'], { env: environment(stage) });
    watchGenerated(stage);
  });

  it('when encrypt is used wrongly', () => {
    const input = stage.canary('not to be sealed');
    stage.canary('pasted as a recipient', input.toUpperCase());
    for (const words of wrongEncrypts(input)) stage.runEither(words, { input, code: 1 });
    const target = [main, 'data.api_key'];
    const noText = Buffer.concat([Buffer.from(input), Buffer.from([0xff, 0xfe])]);
    stage.runEither(['encrypt', ...target], { input: noText, code: 1 });
    stage.runEither(['encrypt', '-json-value', ...target], { input: `{"a": "${input}", }`, code: 1 });
    stage.runEither(['encrypt', ...target], { input: `${input}${'x'.repeat(1024 * 1024)}`, code: 1 });
  });

  it('when a secret is written wrongly', () => {
    const lost = stage.canary('lost on the way');
    stage.write('../broken.json', `{"a": "${lost}" "b"}`);
    stage.write('../list.json', `["${lost}"]`);
    for (const words of wrongWrites(lost)) stage.runEither(words, { input: lost, code: 1 });
    stage.run(['kv', 'patch', 'kv/app/nowhere', `a=${lost}`], { code: 2 });
    stage.runEither(['kv', 'put', 'kv/app/x', 'a=-'], { input: `${lost}${'x'.repeat(1_100_000)}`, code: 1 });
  });

  it('when a variable is given wrongly', () => {
    const lost = stage.canary('in a variable');
    stage.write('../broken-vars.yaml', `ttl: "${lost}\nother: [\n`);
    stage.write('../unknown-vars.yaml', `unknown: ${lost}\nttl: ${lost}\n`);
    stage.write('../list-vars.yaml', `- ${lost}\n`);
    for (const option of wrongVariables(lost)) stage.runEither(['validate', ...option], { code: 1 });
    if (full) for (const option of wrongVariables(lost)) stage.runBoth(['plan', ...option], { code: 1 });
  });

  it('when documents are wrong: all of their findings at once', () => {
    const files = wrongDocuments((name, value) => stage.canary(`in a document: ${name}`, value));
    for (const [file, text] of files) stage.write(`wrong/${file}`, text);
    const others = full ? [['drift'], ['graph'], ['destroy', '-auto-approve'], ['encrypt', '-rewrap']] : [];
    for (const words of [['validate'], ['plan'], ['apply', '-auto-approve'], ...others]) stage.runBoth(words, { code: 1 });
    for (const [file] of files) stage.remove(`wrong/${file}`);
  });

  it('when files are no YAML just where a secret stands', () => {
    for (const [file, text] of brokenFiles((name) => stage.canary(`in a broken file: ${name}`))) {
      stage.write('wrong/broken.yaml', text);
      for (const words of full ? [['validate'], ['plan'], ['fmt']] : [['validate']]) stage.runEither(words, { code: 1 });
      expect(stage.read('wrong/broken.yaml'), file).toBe(text);
    }
    stage.remove('wrong/broken.yaml');
  });

  it('when sealed blocks are damaged, or stand where they were not made for', () => {
    const kept = stage.read('documents.yaml');
    const block = /-----BEGIN[^]*?-----END AGE ENCRYPTED FILE-----/.exec(kept)?.[0] ?? '';
    const lines = block.split('\n');
    const middle = Math.floor(lines.length / 2);
    const other = (line: string): string => line.replace(/[A-Za-z]/g, (letter) => (letter === 'A' ? 'B' : 'A'));
    for (const text of [
      kept.replace(block, lines.map((line, index) => (index === middle ? other(line) : line)).join('\n')),
      kept.replace(block, lines.filter((_, index) => index !== middle).join('\n')),
      kept.replace(block, block.replace('BEGIN', 'BEGUN')),
      kept.replace('name: app/main', 'name: app/copied'),
      kept.replace('    api_key:', '    another_key:'),
    ]) {
      expect(text).not.toBe(kept);
      stage.write('documents.yaml', text);
      stage.runEither(['plan'], { code: 1 });
      stage.runEither(['apply', '-auto-approve'], { code: 1 });
    }
    stage.write('documents.yaml', kept);
  });

  it('nor in the end, when all that was said and kept is searched', () => {
    searchEverything(stage);
    expect(Object.keys(stage.canaries).length).toBeGreaterThan(60);
  });
});
