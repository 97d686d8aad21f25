import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Networks that are no way out: this machine, its link, metadata of clouds, nobody, and ways to write these otherwise. */
const closed: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['100.100.100.200', 32],
  ['192.0.0.0', 24],
  ['224.0.0.0', 3],
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2002::', 16],
  ['2001::', 32],
  ['fe80::', 10],
  ['fec0::', 10],
  ['fd00:ec2::254', 128],
  ['ff00::', 8],
];

const closedList = new BlockList();
for (const [network, prefix] of closed) closedList.addSubnet(network, prefix, family(network));

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

/** Whether an address is one that nothing of a plugin may go to. IPv4 in IPv6 counts as the IPv4 that it is. */
export function isClosed(address: string): boolean {
  // A zone says which interface; the address is the same.
  const bare = address.replace(/%.*$/, '');
  if (isIP(bare) === 0) return true;
  return closedList.check(bare, family(bare)) || ownAddresses().check(bare, family(bare));
}

function ownAddresses(): BlockList {
  const own = new BlockList();
  for (const { address } of Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []))
    own.addAddress(address.replace(/%.*$/, ''), family(address.replace(/%.*$/, '')));
  return own;
}
