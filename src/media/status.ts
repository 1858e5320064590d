import { AppError, type ErrorCode } from '../errors.ts';
import { type Reply, Status } from './generated/media_pb.ts';

/** @param what - the command, as the message of the error names it. */
export function checkReply(reply: Reply, what: string): Reply {
  if (reply.status === Status.OK) return reply;
  const detail = reply.detail === '' ? '' : `: ${reply.detail}`;
  throw new AppError(
    codeOf(reply.status),
    `${what} was refused by the media worker (${nameOf(reply.status)})${detail}`,
  );
}

function codeOf(status: Status): ErrorCode {
  switch (status) {
    case Status.NO_FREE_PORT:
      return 'MEDIA_NO_PORT';
    case Status.OVERLOADED:
    case Status.ADDRESS_TAKEN: // an earlier call has it still
      return 'MEDIA_BUSY';
    case Status.NO_SUCH_SESSION:
    case Status.NOT_CONFIGURED:
    case Status.SYSTEM:
      return 'MEDIA_UNAVAILABLE';
    default:
      return 'MEDIA_REFUSED';
  }
}

function nameOf(status: Status): string {
  return Object.entries(Status).find(([, value]) => value === status)?.[0] ?? String(status);
}
