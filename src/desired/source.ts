import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { isJsonObject } from '../base/json.ts';
import type { Diagnostic, DiagnosticCode } from './diagnostic.ts';
import { parseDocuments } from './document.ts';
import { projectFile } from './settings.ts';
import { matchesPath } from './path-pattern.ts';
import { excludedPaths, isProject } from './project.ts';
import type { SourceFile } from './source-file.ts';

/** The YAML files of a repo. */
export interface SourceTree {
  /** Sorted by path. Refused files are among them, without text. */
  readonly files: readonly SourceFile[];
  /** Why files were refused. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface SourceLimits {
  readonly fileBytes: number;
  readonly totalBytes: number;
  readonly files: number;
}

const usualLimits: SourceLimits = { fileBytes: 4 * 1024 * 1024, totalBytes: 256 * 1024 * 1024, files: 100_000 };

/**
 * Reads `secretctl.yaml` and the `*.yaml` and `*.yml` below its folder. Left out are folders and files whose name
 * begins with a dot, `node_modules`, what `spec.exclude` names, and everything behind a symbolic link. What cannot be
 * read makes a diagnostic; a file that is too large is not read.
 */
export async function readSources(root: string, limits: SourceLimits = usualLimits): Promise<SourceTree> {
  const reader = new TreeReader(root, limits);
  reader.read();
  const byPath = (a: { readonly path: string }, b: { readonly path: string }): number => (a.path < b.path ? -1 : 1);
  return { files: reader.files.sort(byPath), diagnostics: reader.diagnostics };
}

// The calls that wait are three times as fast as the others for many small files, and nothing else is to be done meanwhile.
class TreeReader {
  readonly files: SourceFile[] = [];
  readonly diagnostics: Diagnostic[] = [];
  readonly #root: string;
  readonly #limits: SourceLimits;
  #bytes = 0;
  #full = false;

  constructor(root: string, limits: SourceLimits) {
    this.#root = root;
    this.#limits = limits;
  }

  read(): void {
    this.#file(projectFile);
    const exclude = excludedIn(this.files[0]?.text ?? '');
    const folders = [''];
    for (let folder = folders.pop(); folder !== undefined && !this.#full; folder = folders.pop())
      this.#folder(folder, exclude, folders);
  }

  #folder(folder: string, exclude: readonly string[], folders: string[]): void {
    let entries;
    try {
      entries = readdirSync(join(this.#root, folder), { withFileTypes: true });
    } catch (error) {
      return this.#refuse(folder, 'FILE005', `the folder cannot be read: ${reasonOf(error)}`, null);
    }
    for (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.name.startsWith('.') || entry.name === 'node_modules' || path === projectFile) continue;
      const isDocument = entry.isFile() && /\.ya?ml$/i.test(entry.name);
      if ((!isDocument && !entry.isDirectory()) || exclude.some((pattern) => matchesPath(pattern, path))) continue;
      if (isDocument) this.#file(path);
      else folders.push(path);
      if (this.#full) return;
    }
  }

  #file(path: string): void {
    if (this.files.length >= this.#limits.files || this.#bytes > this.#limits.totalBytes) {
      this.#full = true;
      const hint = 'name what holds no documents under spec.exclude';
      return this.#refuse(path, 'FILE004', `the repo has more than ${this.#limitText()} of YAML`, hint);
    }
    try {
      const bytes = readRegularFile(join(this.#root, path), this.#limits.fileBytes);
      if (bytes === null) {
        const message = `the file is larger than ${mebibytes(this.#limits.fileBytes)}`;
        return this.#refuse(path, 'FILE001', message, 'split it, or name it under spec.exclude');
      }
      this.#bytes += bytes.length;
      this.#text(path, bytes);
    } catch (error) {
      const hint = path === projectFile ? 'secretctl init writes one' : null;
      this.#refuse(path, 'FILE005', `the file cannot be read: ${reasonOf(error)}`, hint);
    }
  }

  #text(path: string, bytes: Buffer): void {
    const text = bytes.toString('utf8');
    if (!isUtf8(bytes)) {
      return this.#refuse(path, 'FILE002', 'this is not UTF-8', 'save the file as UTF-8', placeOf(text, text.indexOf('\ufffd')));
    }
    const marked = text.startsWith('\ufeff');
    if (marked)
      this.#report(path, 'FILE003', 'the file begins with a byte order mark', 'save it as UTF-8 without one', {
        line: 1,
        column: 1,
      });
    this.files.push({ path, text: marked ? text.slice(1) : text });
  }

  #refuse(path: string, code: DiagnosticCode, message: string, hint: string | null, place = { line: 0, column: 0 }): void {
    this.#report(path, code, message, hint, place);
    this.files.push({ path, text: '', refused: true });
  }

  #report(
    file: string,
    code: DiagnosticCode,
    message: string,
    hint: string | null,
    place: { line: number; column: number },
  ): void {
    const { line, column } = place;
    const endColumn = line === 0 ? 0 : column + 1;
    const rest = { excerpt: null, forEachKey: null, related: null };
    this.diagnostics.push({ code, severity: 'error', message, hint, file, line, column, endColumn, ...rest });
  }

  #limitText(): string {
    const { files, totalBytes } = this.#limits;
    return `${files} files or ${mebibytes(totalBytes)}`;
  }
}

/** The bytes of a regular file; null: it has more than `most`. Symbolic links are refused also where one just took the place of a file. */
function readRegularFile(path: string, most: number): Buffer | null {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw new Error('it is no regular file');
    if (stat.size > most) return null;
    const bytes = Buffer.allocUnsafe(stat.size);
    let length = 0;
    while (length < bytes.length) {
      const read = readSync(descriptor, bytes, length, bytes.length - length, null);
      if (read === 0) break;
      length += read;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

/** What the Project in this text excludes; what is wrong with it is told when it is loaded. */
function excludedIn(text: string): readonly string[] {
  const project = parseDocuments(text).documents.find(({ value }) => isProject(value))?.value;
  return isProject(project) && isJsonObject(project['spec']) ? excludedPaths(project['spec']) : [];
}

function placeOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, Math.max(0, offset));
  return { line: before.split('\n').length, column: before.length - before.lastIndexOf('\n') };
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'it does not exist';
  if (code === 'EACCES') return 'permission denied';
  return code === 'ELOOP' ? 'it is a symbolic link' : (code ?? message);
}

function mebibytes(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${bytes / 1024 / 1024} MiB` : `${bytes} bytes`;
}
