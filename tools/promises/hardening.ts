import { kCardHardening } from './card-hardening.ts';
import type { Claim } from './claim.ts';

const kUnit = 'test/unit';
const kWhole = 'test/integration';
const kNative = 'native/test';

/** What stands against attack, row by row. */
export const kHardening: readonly Claim[] = [
  {
    name: 'Who may call',
    sentence:
      'Calls come from configured trunks, by address (an IPv4 address inside IPv6 is itself), TLS name or user; whoever else sends gets no answer and is counted.',
    checks: [
      `${kUnit}/edge/trust/gate.test.ts › gets silence, whatever it sends`,
      `${kUnit}/edge/trust/tables.test.ts › is the first that names its address`,
      `${kWhole}/edge-trust.test.ts › a source that is not allowed gets silence, and is counted`,
      `${kUnit}/config/load.test.ts › trusts nobody where a file names no trunk`,
    ],
  },
  {
    name: 'Digest, as server',
    sentence:
      'RFC 8760: SHA-256 first, MD5 only where allowed, signed nonces for one source and one time, counts that are good once; users that exist are not told from those that do not.',
    checks: [
      `${kUnit}/edge/trust/digest-server.test.ts › offers SHA-256 first, then SHA-512-256, and MD5 only if allowed`,
      `${kUnit}/edge/trust/digest-server.test.ts › are good once per count, also out of order`,
      `${kUnit}/edge/trust/digest-server.test.ts › with MD5 that is not offered get a fresh challenge`,
      `${kUnit}/edge/trust/digest-server.test.ts › that was changed is not ours`,
      `${kUnit}/digest/digest.test.ts › the digest of`,
      `${kWhole}/edge-digest.test.ts › without credentials is answered in the very same bytes whoever it says it is`,
      'test/long/sip/user-enumeration.test.ts › the time of a wrong answer does not tell whether the user exists',
    ],
  },
  {
    name: 'Digest, as client',
    sentence: 'No challenge of a foreign realm is answered (CVE-2021-41158).',
    checks: [
      `${kUnit}/digest/digest.test.ts › answers no challenge from a foreign realm`,
      `${kWhole}/edge-digest.test.ts › with a foreign realm sends no credentials`,
      `${kWhole}/edge-outsiders.test.ts › gets none of another`,
    ],
  },
  {
    name: 'RTP sources',
    sentence:
      'RTP is taken from the negotiated address alone; where a trunk allows NAT, five packets in sequence are learned from, the described address wins, and a live source is never left (CVE-2025-53399, CVE-2017-14099).',
    checks: [
      `${kNative}/source_guard_test.cc › strict: the described address, nobody else, ever`,
      `${kNative}/source_guard_test.cc › learns where a peer behind a NAT is from five packets in sequence`,
      `${kNative}/source_guard_test.cc › is not led away from a source that is alive`,
      `${kWhole}/media-srtp.test.ts › is not listened to unless it may be learned`,
    ],
  },
  {
    name: 'SRTP',
    sentence:
      'What is not authentic changes nothing: no address is learned from it, no call ends for it (CVE-2021-41105); nothing is taken twice, and no key of ours used again with its counters set back.',
    checks: [
      `${kWhole}/media-srtp.test.ts › outlives a thousand forged packets of the right source, and counts them`,
      `${kWhole}/media-srtp.test.ts › is learned from its first authentic packet, and no forger is`,
      `${kNative}/srtp_test.cc › takes nothing that has one wrong bit, and goes on after it`,
      `${kUnit}/sdp/own-keys.test.ts › are new when a suite comes back after`,
      `${kNative}/link_keeper_test.cc › a key that is still held goes on with its counters`,
    ],
  },
  {
    name: 'Media parsers',
    sentence:
      'Whatever comes as RTP, RTCP or telephone-event is bounded and counted; keys come from the agreed source and payload type alone.',
    checks: [
      `${kNative}/session_test.cc › survives packets of chance`,
      `${kNative}/rtcp_test.cc › a compound that begins with no report, or claims more than it has, is refused`,
      `${kNative}/session_codec_test.cc › what cannot be decoded is counted, and no key is made of it`,
      `${kWhole}/media-keys.test.ts › ignores keys and audio from another source`,
      'test/long/media/native-fuzz.test.ts › s of inputs',
      'test/long/media/native-sanitizers.test.ts › all native tests pass',
    ],
  },
  {
    name: 'The clamp fails closed',
    sentence: 'What it cannot vouch for is closed; tones, events and SIP INFO are masked alike.',
    checks: [
      `${kNative}/clamp_test.cc › what it cannot vouch for is closed`,
      `${kNative}/clamp_leak_test.cc › an eavesdropper at his best decodes no more behind the clamp than by guessing`,
      `${kNative}/clamp_leak_test.cc › the meter finds a leak where there is one`,
      `${kWhole}/media-leak.test.ts › an eavesdropper at his best, on what the agent receives`,
      `${kWhole}/inline-call.test.ts › the agent hears none of them`,
      `${kWhole}/inline-call.test.ts › outlives its worker, with nothing of a key for the agent`,
    ],
  },
  {
    name: 'RTP ports',
    sentence: 'A closed port rests for half a minute before it is used again.',
    checks: [`${kNative}/port_pool_test.cc › a closed pair rests`],
  },
  ...kCardHardening,
  {
    name: 'Limits',
    sentence:
      'SIP messages of 64 KiB with 256 headers, 64 of a name; SDP of 16 sections with 64 formats; 16 new requests in two seconds from an unknown source, then five minutes of silence; 16 connections of a source, and half of all, for 30 s until they have shown whose they are; calls of a trunk by number and rate; HTTP bodies of 64 KiB; gateway replies of 1 MiB.',
    checks: [
      `${kUnit}/edge/sip/parse.test.ts › a message above 64 KiB is not read`,
      `${kUnit}/edge/sip/parse.test.ts › more than 256 headers, or 64 of a name, are refused`,
      `${kUnit}/edge/sip/parse.test.ts › cost nothing to speak of`,
      `${kUnit}/sdp/negotiation.test.ts › names the line of`,
      `${kUnit}/edge/trust/gate.test.ts › is banned by its 17th request within two seconds, for five minutes`,
      `${kUnit}/edge/transport/connections.test.ts › is cut off when 64 KiB wait for it`,
      `${kUnit}/edge/transport/connections.test.ts › takes no place of a trunk, nor of more than so many other strangers`,
      `${kUnit}/edge/transport/connections.test.ts › is ended when it has proved nothing within 30 s`,
      `${kUnit}/edge/trust/gate-users.test.ts › has its connection vouched for by credentials`,
      `${kWhole}/edge-connections.test.ts › is refused when its source has too many, and makes room for another once it has registered`,
      `${kWhole}/edge-connections.test.ts › is closed when its source is banned`,
      `${kUnit}/edge/trust/tables.test.ts › the limits of a trunk`,
      `${kUnit}/edge/trust/gate.test.ts › places no call behind another`,
      `${kUnit}/api/api.test.ts › to a body of more than 64 KiB is a refusal`,
      `${kUnit}/gateway/secure-http.test.ts › is a reply of exactly 1 MiB`,
      `${kUnit}/gateway/secure-http-failures.test.ts › failures after it are unknown`,
    ],
  },
  {
    name: 'Nothing is dialled for others',
    sentence:
      'No call is placed for a REFER, Route or request URI of an outsider; no media goes to multicast, broadcast, link-local or unspecified addresses, none from a leg to itself, and at most a second of it to an address that has sent nothing, unless that is one of the trunk’s or where its SIP comes from (`sip.trunks[].media.unheardLimit`); another call of our own is never exempt.',
    checks: [
      `${kWhole}/edge-outsiders.test.ts › nothing is dialled on behalf of a peer`,
      `${kUnit}/edge/trust/gate.test.ts › nothing is dialled on behalf of an outsider`,
      `${kWhole}/media-life.test.ts › a multicast address`,
      `${kNative}/port_pool_test.cc › addresses are compared whole`,
      `${kNative}/unheard_limit_test.cc › an address that nothing has come from gets a second of audio, then none`,
      `${kNative}/unheard_limit_test.cc › who is described at one place after the other gets no more than at one`,
      `${kUnit}/call/leg-protection.test.ts › limits what an unheard address gets`,
      `${kUnit}/sip/trunks.test.ts › the addresses a trunk knows`,
      `${kWhole}/media-life.test.ts › gets a second of audio, and more once something has come`,
      `${kWhole}/media-life.test.ts › is another leg of ours`,
      `${kWhole}/media-life.test.ts › is this leg itself: refused`,
    ],
  },
  {
    name: 'HTTP',
    sentence:
      'TLS 1.2 or later; keys compared as hashes; tokens with a list of algorithms; client certificates; refusals alike; limits by key and address; no cookie, so no other site can use one; pages run nothing that is not ours.',
    checks: [
      `${kUnit}/api/tls.test.ts › takes keys as without it, and no TLS of before 1.2`,
      `${kUnit}/api/tls.test.ts › lets nobody in without a certificate where one is required`,
      `${kUnit}/api/tokens.test.ts › tokens of an identity provider`,
      `${kUnit}/api/access.test.ts › too many requests`,
      `${kUnit}/api/api.test.ts › is refused alike without a key, with a wrong one and for a session that does not exist`,
      `${kUnit}/api/pages.test.ts › lets nothing run that is not ours`,
      'test/peers/desk.test.ts › the desk in a frame',
    ],
  },
  {
    name: 'Roles',
    sentence: 'Every route by every role, for own and foreign sessions.',
    checks: [
      `${kUnit}/api/access.test.ts › may use its routes, and is refused at the others alike`,
      `${kUnit}/api/access.test.ts › are worth nothing without a proof`,
      `${kUnit}/api/access.test.ts › a key of one merchant`,
    ],
  },
  {
    name: 'The way to the gateway',
    sentence:
      'One host, no redirect, a certificate that is checked against a pinned authority where one is named, one deadline, one key per payment.',
    checks: [
      `${kUnit}/gateway/secure-http.test.ts › is the redirect itself: it is not followed`,
      `${kUnit}/gateway/secure-http.test.ts › base URL`,
      `${kUnit}/gateway/secure-http-failures.test.ts › a certificate nobody vouches for, and accepts it from the CA file`,
      `${kUnit}/gateway/secure-http-failures.test.ts › no answer within the deadline, and the connection is closed`,
      `${kWhole}/gateway-faults.test.ts › at most one charge, and every payment ends as it really was`,
    ],
  },
  {
    name: 'Text of others',
    sentence:
      'What a peer wrote is escaped in pages and ladders, no line of the log is made by it, and spreadsheets hold figures alone.',
    checks: [
      `${kUnit}/ladder/svg.test.ts › every text is escaped, and nothing is run or loaded`,
      `${kUnit}/telemetry/log.test.ts › is one line, whatever a peer wrote`,
      `${kUnit}/api/reports.test.ts › are a table for spreadsheets`,
    ],
  },
  {
    name: 'Webhooks',
    sentence:
      'Signed with time and body, two secrets while one is replaced, sent again with the same bytes; https or this machine alone, no redirect; URLs come from the configuration and from nowhere else, and what their names come to is never a private address unless that is allowed, nor link-local: what is looked at is what is connected to.',
    checks: [
      `${kUnit}/webhook/verify-snippets.test.ts › refuses another secret, another body, an old message, and nonsense`,
      `${kUnit}/webhook/webhooks.test.ts › come again until they are taken, later and later, the same bytes`,
      `${kUnit}/webhook/webhooks.test.ts › are signed with both secrets while one is replaced`,
      `${kUnit}/webhook/webhooks.test.ts › follow no redirect, and read no more than the head of an answer`,
      `${kUnit}/webhook/webhooks.test.ts › to a private network wait, unless that is allowed`,
      `${kUnit}/webhook/destination.test.ts › is reached by`,
      `${kUnit}/webhook/destination.test.ts › that comes to something private a moment later is not followed there`,
    ],
  },
  {
    name: 'SIP over TLS, keys in SDP',
    sentence:
      'TLS 1.2 with names and authorities that are checked; client certificates name trunks; keys in SDP only over TLS, no weak suite; the vectors of RFC 3711 and RFC 7714.',
    checks: [
      `${kWhole}/edge-trunk-names.test.ts › a peer whose verified certificate bears the name of a trunk calls as that trunk`,
      `${kUnit}/sdp/protection.test.ts › answering keys in SDP`,
      `${kUnit}/sdp/protection.test.ts › with encryption`,
      `${kNative}/srtp_vectors_test.cc › derives the session keys of RFC 3711 appendix B.3`,
      `${kNative}/srtp_vectors_test.cc › seals and opens the packets of RFC 7714`,
      `${kNative}/srtp_test.cc › understands libsrtp and is understood by it, over roll-overs, in RTP and RTCP`,
      'test/peers/baresip-secure.test.ts › pays by keys under',
    ],
  },
  {
    name: 'To the recording server',
    sentence:
      'SRTP by keys that travel encrypted or not at all, others for each stream and each call; a server that goes away is called again in the same call.',
    checks: [
      `${kWhole}/recording.test.ts › goes to a recording server as well, encrypted`,
      `${kWhole}/recording.test.ts › says so when the recording server hangs up, and calls it again`,
      `${kUnit}/recording/siprec-sink.test.ts › offers keys of its own to each session of the server`,
      `${kUnit}/recording/siprec-sink.test.ts › calls a server again that`,
      `${kUnit}/sdp/recording-streams.test.ts › are not offered where the keys would travel in clear`,
    ],
  },
  {
    name: 'DTLS-SRTP',
    sentence:
      'Hellos of others are not listened to (CVE-2023-49786), floods are cut, and a certificate the description does not vouch for ends the association.',
    checks: [
      `${kNative}/dtls_test.cc › a certificate the session description does not vouch for fails the association`,
      `${kNative}/dtls_test.cc › a flood of hellos is cut to the allowance`,
      `${kNative}/dtls_test.cc › without its cookie a hello costs one small answer and no handshake`,
      `${kNative}/dtls_test.cc › nonsense does not end a handshake that goes on`,
    ],
  },
  {
    name: 'Audit',
    sentence:
      'A chain of entries that shows every change, loss and exchange; what cannot be noted is not done.',
    checks: [
      `${kUnit}/store/audit.test.ts › has what the journal wrote, in order, without a card`,
      `${kUnit}/store/audit.test.ts › cannot be changed or deleted by a slip`,
      `${kUnit}/store/audit.test.ts › a changed byte`,
      `${kUnit}/store/audit.test.ts › the end cut off`,
      `${kUnit}/store/audit.test.ts › two entries exchanged`,
      `${kUnit}/store/audit.test.ts › shows by an anchor that an older copy was put in its place`,
      `${kUnit}/store/audit.test.ts › has no entry of a write that failed`,
    ],
  },
  {
    name: 'Secrets',
    sentence:
      'From files, credentials of systemd or the environment; in no argument, printed configuration, error, or environment of a child; read again while the server runs.',
    checks: [
      `${kUnit}/config/load.test.ts › never show a secret or a card number`,
      `${kUnit}/config/load.test.ts › print as [set]`,
      `${kUnit}/config/merchants.test.ts › is a credential of systemd, or a variable of the environment`,
      `${kWhole}/serve.test.ts › shows its secrets in no argument, and in no environment of a child`,
      `${kUnit}/gateway/reloading.test.ts › a gateway whose credentials change`,
    ],
  },
  {
    name: 'Supply chain',
    sentence:
      'Exact versions held by hashes, no install script but the one that is listed, licences that allow shipping, a CycloneDX list of it all.',
    checks: [
      `${kUnit}/ops/supply-chain.test.ts › is named by exact versions`,
      `${kUnit}/ops/supply-chain.test.ts › is held by hashes, and to no registry`,
      `${kUnit}/ops/supply-chain.test.ts › runs no script when it is installed but the one that brings Node`,
      `${kUnit}/ops/supply-chain.test.ts › may be shipped: every licence of what runs in production allows it`,
      `${kUnit}/ops/supply-chain.test.ts › is listed as CycloneDX, npm packages and system libraries alike`,
    ],
  },
  {
    name: 'Container and unit',
    sentence: 'No root, nothing to write but data, no capability, exposure at most 2.0.',
    checks: [
      `${kUnit}/ops/systemd.test.ts › exposes the machine by 2.0 at most`,
      `${kUnit}/ops/systemd.test.ts › would not pass without its restrictions`,
      `${kUnit}/ops/systemd.test.ts › is never swapped out, is ended before the machine has no memory left`,
      `${kUnit}/ops/container.test.ts › ends as a user without rights, by number so that an orchestrator can tell`,
    ],
  },
  {
    name: 'drachtio-server',
    sentence:
      'The secret it is installed with is refused; the edge of our own takes applications by their secret on loopback alone.',
    checks: [
      `${kUnit}/config/load.test.ts › have the secret a drachtio-server is installed with`,
      `${kWhole}/edge-trust.test.ts › a client with the wrong secret is refused and closed, and routes nothing`,
      `${kUnit}/cli/doctor/exposure.test.ts › is told so, and what to do`,
    ],
  },
  {
    name: 'Safe defaults',
    sentence:
      'HTTP and SIP on loopback; without trunks nobody is answered; the simulator is refused in production.',
    checks: [
      `${kUnit}/config/load.test.ts › is the laboratory: loopback, one trunk that may set amounts, the simulator`,
      `${kUnit}/config/load.test.ts › trusts nobody where a file names no trunk`,
      `${kWhole}/serve.test.ts › the simulator in production`,
    ],
  },
  {
    name: 'Doctor',
    sentence:
      '`hushpay doctor` says what is wrong with a deployment and what to do: secrets, memory, swap, disk, file system, clock, certificates, network, gateways, prompts, journal and audit.',
    checks: [
      `${kUnit}/cli/doctor/machine.test.ts › is told so, and what to do`,
      `${kUnit}/cli/doctor/machine.test.ts › may have swap in clear that the service cannot use`,
      `${kUnit}/cli/doctor/files.test.ts › is told so, and what to do`,
      `${kUnit}/cli/doctor/files.test.ts › with a payment that waits for a person say so`,
      `${kUnit}/cli/doctor/files.test.ts › made with a short RSA key are to be made anew`,
      `${kUnit}/cli/doctor/files.test.ts › that are missing are named, and how to make them`,
      `${kUnit}/cli/doctor/network.test.ts › proves its name, and shows how it is protected and for how long`,
      `${kUnit}/cli/doctor/network.test.ts › answers OPTIONS over`,
    ],
  },
  {
    name: 'No code after authorization',
    sentence:
      'Of an approved or declined payment no security code is kept anywhere; the fingerprint of a card tells nothing of its number.',
    checks: [
      `${kUnit}/card/card-secret.test.ts › tells cards apart without telling their numbers`,
      `${kWhole}/gateway-memory.test.ts › is none after`,
      `${kWhole}/leak-sweep.test.ts › leave no card number anywhere`,
    ],
  },
  {
    name: 'Test numbers only',
    sentence: 'The repository holds published test numbers, and output and logs of tests none at all.',
    checks: [
      `${kUnit}/tools/test-run.test.ts › the search for card numbers`,
      `${kUnit}/docs/test-numbers.test.ts › holds no card number but those published for tests`,
    ],
  },
];
