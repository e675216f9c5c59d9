import { refuse } from '@souk/platform/errors';

const MINIMUM_LENGTH = 10;
const MAXIMUM_LENGTH = 256;
const MINIMUM_DISTINCT_CHARACTERS = 4;

/**
 * Refuses a password that would be guessed soon: length and a list of well-known ones, as NIST SP 800-63B advises, and no rules on kinds of characters.
 *
 * @throws {Refused} PASSWORD_TOO_WEAK, or INVALID when it is too long to be hashed
 */
export function refuseWeakPassword(password: string, emailKey: string, field: string[]): void {
  const weak = (reason: string) => refuse('PASSWORD_TOO_WEAK', reason, { field });
  const characters = [...password];
  if (characters.length > MAXIMUM_LENGTH) {
    refuse('INVALID', `Expected a password of at most ${MAXIMUM_LENGTH} characters.`, { field });
  }
  if (characters.length < MINIMUM_LENGTH) weak(`Expected a password of at least ${MINIMUM_LENGTH} characters.`);
  if (new Set(characters).size < MINIMUM_DISTINCT_CHARACTERS) weak('This password repeats a few characters only.');
  const folded = password.normalize('NFKC').toLowerCase();
  if (wellKnown.has(folded)) weak('This password is one of those tried first.');
  const [name = ''] = emailKey.split('@');
  if (folded.includes(emailKey) || folded === name) weak('This password contains the e-mail address.');
}

/** Whether a password may be right at all: nobody has a longer one, and hashing it would be work for nothing. */
export function couldBePassword(password: string): boolean {
  return password.length > 0 && [...password].length <= MAXIMUM_LENGTH;
}

/** The most used passwords of ten characters and more, from published leaks. Shorter ones are refused anyway. */
const wellKnown: ReadonlySet<string> = new Set(
  `
  1234567890 0123456789 9876543210 0987654321 12345678910 123456789a 123456789q a123456789 q123456789 1q2w3e4r5t
  1q2w3e4r5t6y 1qaz2wsx3edc qazwsxedcrfv qwertyuiop qwertyuiop123 qwerty12345 qwerty123456 1234qwerasdf asdfghjkl1 asdfghjkl123
  zxcvbnm123 password12 password123 password1234 password12345 password123456 password!23 passw0rd123 p@ssw0rd123 p@ssword123
  mypassword mypassword1 iloveyou12 iloveyou123 iloveyou1234 welcome123 welcome1234 letmein123 letmein1234 administrator
  admin12345 admin123456 changeme123 change-me-now football123 baseball123 basketball superman123 batman12345 spiderman1
  sunshine123 princess123 princess12 charlie123 michael123 jennifer123 jordan12345 liverpool1 liverpool123 manchester
  chelsea123 arsenal123 barcelona1 barcelona123 realmadrid1 chocolate1 chocolate123 butterfly1 butterfly123 strawberry
  watermelon elizabeth1 christopher alexander1 alexandria anthony123 computer123 internet123 samsung123 google12345
  facebook123 instagram1 linkedin123 abcdefghij abcdefghijk abcdefghijkl abc1234567 abcd123456 abcd12345678 abcde12345
  aa12345678 aa123456789 woaini1314 woaini1314520 woaini520 5201314520 1314520520 a1b2c3d4e5 1a2b3c4d5e 1122334455
  11223344556 1020304050 1357924680 2468013579 147258369a 1472583690 7894561230 0147258369 159357159357 789456123a
  correcthorsebatterystaple trustno1234 whatever123 starwars123 pokemon123 dragon12345 monkey12345 secret12345
  testtest123 test123456 test1234567 user123456 guest123456 default123 temp123456 qwe123456789 zaq12wsxcde zaq1xsw2cde3
  souk123456 soukpassword
  `
    .trim()
    .split(/\s+/),
);
