/** Replies of shards, as the gateway takes them apart. */
export {
  bulkOf,
  elementsOf,
  integerOf,
  isError,
  isNull,
  isNullAt,
  replyEnd,
} from '@hashlane/resp';
