/** A place SIP is taken at. */
export interface SipListen {
  readonly transport: string;
  readonly host: string;
  readonly port: number;
}

/** @param hostports - as a SIP server lists it: `udp/192.0.2.1:5060,tcp/[2001:db8::1]:5060`. */
export function sipListenOf(hostports: string): readonly SipListen[] {
  return hostports.split(',').flatMap((text) => {
    const [, transport = '', host = '', port] = /^(\w+)\/\[?([^\]]+?)\]?:(\d+)$/.exec(text.trim()) ?? [];
    return port === undefined ? [] : [{ transport, host, port: Number(port) }];
  });
}
