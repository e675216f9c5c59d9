/** The compiler met something it does not know. The stock executor runs the operation instead. */
export class NotCompilable extends Error {
  override readonly name = 'NotCompilable';
}
