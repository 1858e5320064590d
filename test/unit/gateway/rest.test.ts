import { RestGateway } from '../../../src/gateway/rest.ts';
import { startSimulatorServer } from '../../../src/gateway/simulator-server.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { gatewayContract } from './contract.ts';

gatewayContract('rest', async () => {
  const clock = new FakeClock();
  const log = new FakeLog();
  const token = 'test-token';
  const server = await startSimulatorServer({ port: 0, host: '127.0.0.1', token, clock });
  const options = { baseUrl: server.url, ca: null, connectTimeoutMs: 5_000, token };
  const gateway = new RestGateway(options, clock, log);
  return {
    gateway,
    bank: server.bank,
    clock,
    log,
    close: async () => {
      await gateway.close();
      await server.close();
    },
  };
});
