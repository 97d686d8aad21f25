import type { JoinToken } from '../api/types.ts';

/**
 * One line for a root shell of the host, whichever it is, with curl or wget. It fetches the authority's certificate, goes on
 * only when that is the one pinned here, and has everything else vouched for by it. Every value was made or checked by the
 * server and has no character that means something to a shell. The token is in the environment of the script, where other
 * users of the host cannot see it.
 */
export function joinCommand({ token, server, enrolment, authoritySha256, hostName }: JoinToken): string {
  const url = `https://${enrolment}`;
  const script = [
    'd=$(mktemp -d)',
    `trap 'rm -rf "$d"' EXIT`,
    `{ curl -fsSk --noproxy '*' ${url}/ca.pem || wget -qO- --no-proxy --no-check-certificate ${url}/ca.pem; } | sed '/END/q' >"$d/ca"`,
    `{ [ "$(grep -v -e - "$d/ca" | base64 -d | sha256sum | cut -c 1-64)" = ${authoritySha256} ] || { echo "stackyard: ${url} is not the server this line was made by, or is out of reach." >&2; false; }; }`,
    `{ curl -fsS --noproxy '*' --cacert "$d/ca" ${url}/join.sh || wget -qO- --no-proxy --ca-certificate="$d/ca" ${url}/join.sh; } >"$d/join.sh"`,
    `STACKYARD_JOIN_TOKEN=${token} sh "$d/join.sh" --server ${server} --enrol ${enrolment} --ca "$d/ca" --ca-sha256 ${authoritySha256} --name ${hostName}`,
  ];
  return `(${script.join(' && ')})`;
}
