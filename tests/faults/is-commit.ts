/** COM_QUERY: https://mariadb.com/docs/server/reference/clientserver-protocol/3-text-protocol/com_query */
const commit = Buffer.from('\x03commit');
const HEADER_BYTES = 4;

/** Whether a packet on the way to a database is a COMMIT. */
export function isCommit(bytes: Buffer): boolean {
  return bytes.subarray(HEADER_BYTES).equals(commit);
}
