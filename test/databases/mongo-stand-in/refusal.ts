// Part of a stand-in for MongoDB (see mongo-stand-in.ts): no MongoDB.

/** The errors that the stand-in gives, with their numbers in MongoDB. */
const codes = {
  BadValue: 2,
  NoSuchKey: 4,
  FailedToParse: 9,
  UserNotFound: 11,
  Unauthorized: 13,
  TypeMismatch: 14,
  AuthenticationFailed: 18,
  RoleNotFound: 31,
  CommandNotFound: 59,
  Interrupted: 11_601,
  Location40324: 40_324,
  IDLUnknownField: 40_415,
  Location51003: 51_003,
} as const;

/** An error that the client is told. */
export class Refusal extends Error {
  readonly codeName: keyof typeof codes;

  constructor(codeName: keyof typeof codes, message: string) {
    super(message);
    this.codeName = codeName;
  }

  get code(): number {
    return codes[this.codeName];
  }
}
