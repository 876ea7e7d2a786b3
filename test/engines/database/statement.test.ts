import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fillIn, splitStatements, unquotedPlaceholders, type SqlDialect } from '../../../src/engines/database/statement.ts';

const postgresql: SqlDialect = { nameQuote: '"', backslash: false, dollar: true, comments: 'standard' };
const mysql: SqlDialect = { nameQuote: '`', backslash: true, dollar: false, comments: 'mysql' };

describe('the placeholders of a statement', () => {
  it.each([
    [`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}'`, `CREATE ROLE "a""b" LOGIN PASSWORD 'it''s \\'`],
    [`ALTER ROLE "x" -- it's {{plain}}\nPASSWORD '{{password}}'`, `ALTER ROLE "x" -- it's app_1\nPASSWORD 'it''s \\'`],
    [`SELECT E'\\'{{password}}'`, `SELECT E'\\'it''s \\\\'`],
    [
      `DO $$ BEGIN EXECUTE '{{plain}}'; END $$; GRANT x TO "{{ name }}"`,
      `DO $$ BEGIN EXECUTE 'app_1'; END $$; GRANT x TO "a""b"`,
    ],
    [`GRANT x TO {{plain}}`, `GRANT x TO app_1`],
  ])('are filled in as where they stand wants it: %s', (statement, filled) => {
    expect(fillIn(statement, { name: 'a"b', password: "it's \\", plain: 'app_1' }, postgresql)).toBe(filled);
  });

  it.each([
    ['a string of code', `DO $$ BEGIN EXECUTE 'ALTER ROLE "{{value}}"'; END $$`, 'x" SUPERUSER; --'],
    ['a string of code', `DO $$ BEGIN EXECUTE 'ALTER ROLE "{{value}}"'; END $$`, `x'; --`],
    ['code itself', `DO $do$ BEGIN CREATE ROLE {{value}}; END $do$`, 'x SUPERUSER'],
    ['code that nothing closes', `DO $$ BEGIN CREATE ROLE {{value}};`, 'x SUPERUSER'],
    ['a dollar string', 'ALTER ROLE x PASSWORD $${{value}}$$', 'a$$ SUPERUSER'],
  ])('never end what they stand in, %s: %s', (_, statement, value) => {
    expect(() => fillIn(statement, { value }, postgresql)).toThrow("the value of {{value}} can't be put where it stands");
  });

  it.each([
    [`CREATE ROLE {{name}} PASSWORD '{{password}}'`, ['{{name}}']],
    [`CREATE ROLE "{{name}}" PASSWORD {{ password }} VALID UNTIL {{expiration}}`, ['{{ password }}', '{{expiration}}']],
    [`DO $$ BEGIN EXECUTE 'DROP ROLE "{{name}}"'; PERFORM f({{name}}); END $$`, ['{{name}}']],
    [`DO $$ BEGIN EXECUTE 'DROP ROLE "{{name}}"'; END $$ -- {{name}}`, []],
    ['ALTER ROLE "{{name}}" PASSWORD $${{password}}$$', []],
  ])('are found where they are in no quotes: %s', (statement, bare) => {
    expect(unquotedPlaceholders(statement, postgresql)).toEqual(bare);
    const values = { name: 'a-b', password: 'a-b', expiration: 'a-b' };
    if (bare.length === 0) expect(fillIn(statement, values, postgresql)).toContain('a-b');
    else expect(() => fillIn(statement, values, postgresql)).toThrow('without quotes around it');
  });

  it('are put into a dollar string that is nothing but them', () => {
    expect(fillIn('PASSWORD $${{value}}$$', { value: `a-'"\\` }, postgresql)).toBe(`PASSWORD $$a-'"\\$$`);
  });

  it('are filled in as MySQL reads them', () => {
    const statement =
      "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'; # it's\nGRANT ALL ON `{{name}}`.* TO '{{name}}'@'%'";
    expect(fillIn(statement, { name: 'a`b', password: "it's \\" }, mysql)).toBe(
      "CREATE USER 'a`b'@'%' IDENTIFIED BY 'it''s \\\\'; # it's\nGRANT ALL ON `a``b`.* TO 'a`b'@'%'",
    );
  });

  it.each([
    ['DROP ROLE {{name}}', 'without quotes'],
    ['DO $$ {{name}} $$', 'end a string'],
    ['SELECT 1 -- {{name}}', 'end the comment'],
    ['SELECT {{nobody}}', '{{nobody}} is no placeholder: there are {{name}}'],
    ["SELECT '{{}}'", '{{}} is no placeholder'],
  ])('are refused where no value is safe, or none is known: %s', (statement, why) => {
    expect(() => fillIn(statement, { name: 'x$\n; DROP ROLE y' }, postgresql)).toThrow(why);
  });

  it('never let a value end its quotes', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("'", '"', '\\', '$', 'a', ';', '-', '`', '\n', 'E') }), (value) => {
        const filled = fillIn(`A '{{v}}' B "{{v}}" C E'{{v}}' D`, { v: value }, postgresql);
        const read = /^A '((?:[^']|'')*)' B "((?:[^"]|"")*)" C E'((?:[^'\\]|\\.|'')*)' D$/s.exec(filled);
        expect(read?.[1]?.replaceAll("''", "'")).toBe(value);
        expect(read?.[2]?.replaceAll('""', '"')).toBe(value);
        expect(read?.[3]?.replaceAll("''", "'").replaceAll('\\\\', '\\')).toBe(value);
      }),
    );
  });
});

describe('the comments of MySQL', () => {
  it.each([
    ["SELECT 1--'{{value}}'", `SELECT 1--'x'' OR 1; '`],
    ["/*!50000 SELECT '{{value}}' */", `/*!50000 SELECT 'x'' OR 1; ' */`],
    ["/*M!100000 SELECT '{{value}}' */", `/*M!100000 SELECT 'x'' OR 1; ' */`],
    ["SELECT 1 -- it's\n'{{value}}'", `SELECT 1 -- it's\n'x'' OR 1; '`],
    ["SELECT /* it's */ '{{value}}'", `SELECT /* it's */ 'x'' OR 1; '`],
  ])('hide no string in which a value is: %s', (statement, filled) => {
    expect(fillIn(statement, { value: "x' OR 1; " }, mysql)).toBe(filled);
  });
});

describe('a text of several statements', () => {
  it('ends one at each semicolon that is not inside of anything', () => {
    const text = 'CREATE USER \'a;b\'@`c;d`; # not; here\n GRANT ALL ON *.* TO "x\\";"; /* nor; here */ ; ;DROP USER x -- ; \n;';
    expect(splitStatements(text, mysql)).toEqual([
      "CREATE USER 'a;b'@`c;d`",
      '# not; here\n GRANT ALL ON *.* TO "x\\";"',
      'DROP USER x -- ;',
    ]);
    expect(splitStatements('; -- nothing', mysql)).toEqual([]);
  });
});
