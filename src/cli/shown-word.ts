/**
 * May an error repeat this word of a command line? Only what could be the name of a command or an option: whatever else
 * stands there may be a secret that was put in the wrong place.
 */
export function isNameLike(word: string): boolean {
  return /^[A-Za-z]{1,16}(-[A-Za-z]{1,16}){0,4}$/.test(word);
}
