import { badRequest } from '../protocol/request-error.ts';

export interface JsonLimits {
  /** Values and member names. */
  readonly tokens: number;
  readonly depth: number;
}

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const colon = 0x3a;
const comma = 0x2c;

/** As many characters as any whole number has that a double holds exactly. */
const safeLength = 15;

/**
 * Counts what a JSON text would cost to parse, byte by byte as it arrives, so that a body made to hurt is refused before
 * it is kept. It does not check that the text is JSON: that is left to the parser.
 */
export class JsonScan {
  /** Members of all objects, for whoever wants to know whether the parser kept each. */
  members = 0;
  /** A string holds an escape, which may stand for half a character. */
  escapes = false;
  /** A number is so long that it may not be kept exactly. */
  longNumbers = false;
  readonly #limits: JsonLimits;
  #tokens = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Characters of the number or word that is being read. */
  #scalar = 0;

  constructor(limits: JsonLimits) {
    this.#limits = limits;
  }

  /** Throws RequestError 400 once there is too much of something. */
  feed(bytes: Uint8Array): void {
    const { tokens: maxTokens, depth: maxDepth } = this.#limits;
    let tokens = this.#tokens;
    let depth = this.#depth;
    let inString = this.#inString;
    let escaped = this.#escaped;
    let scalar = this.#scalar;
    for (let index = 0; index < bytes.length; index++) {
      const byte = bytes[index];
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === quote) inString = false;
        else if (byte === backslash) {
          escaped = true;
          this.escapes = true;
        }
        continue;
      }
      switch (byte) {
        case quote:
          inString = true;
          scalar = 0;
          tokens++;
          break;
        case openBrace:
        case openBracket:
          scalar = 0;
          tokens++;
          if (++depth > maxDepth) throw tooComplex(`objects and lists nest deeper than ${maxDepth} levels`);
          break;
        case closeBrace:
        case closeBracket:
          scalar = 0;
          depth--;
          break;
        case colon:
          scalar = 0;
          this.members++;
          break;
        case comma:
        case 0x20:
        case 0x0a:
        case 0x0d:
        case 0x09:
          scalar = 0;
          break;
        default:
          if (scalar++ === 0) tokens++;
          else if (scalar > safeLength) this.longNumbers = true;
      }
      if (tokens > maxTokens) throw tooComplex(`more than ${maxTokens} values`);
    }
    this.#tokens = tokens;
    this.#depth = depth;
    this.#inString = inString;
    this.#escaped = escaped;
    this.#scalar = scalar;
  }
}

function tooComplex(what: string): Error {
  return badRequest(`refused JSON input due to high complexity: ${what}`);
}
