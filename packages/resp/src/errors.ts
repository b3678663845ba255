/**
 * The one table of error replies, with Redis's exact texts (7.2, where versions differ).
 *
 * A constant is the whole line after `-`; a function builds the line from client input (which
 * `ReplyWriter.error` makes safe). Add a text here, never in a handler.
 */

export const errors = {
  wrongType: 'WRONGTYPE Operation against a key holding the wrong kind of value',
  syntax: 'ERR syntax error',
  notInteger: 'ERR value is not an integer or out of range',
  notFloat: 'ERR value is not a valid float',
  outOfRange: 'ERR value is out of range',
  outOfRangePositive: 'ERR value is out of range, must be positive',
  indexOutOfRange: 'ERR index out of range',
  noSuchKey: 'ERR no such key',
  outOfNegatableRange:
    'ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
  numkeysNotPositive: 'ERR numkeys should be greater than 0',
  countNotPositive: 'ERR count should be greater than 0',
  countNegative: "ERR COUNT can't be negative",
  limitNegative: "ERR LIMIT can't be negative",
  numkeysTooMany: "ERR Number of keys can't be greater than number of args",
  maxlenNegative: "ERR MAXLEN can't be negative",
  rankZero:
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... " +
    'or use negative to start from the end of the list',
  overflow: 'ERR increment or decrement would overflow',
  decrementOverflow: 'ERR decrement would overflow',
  nanOrInfinity: 'ERR increment would produce NaN or Infinity',
  hashValueNotInteger: 'ERR hash value is not an integer',
  hashValueNotFloat: 'ERR hash value is not a float',
  incrementNotFinite: 'ERR value is NaN or Infinity',
  fieldsMissing: 'ERR Mandatory argument FIELDS is missing or not at the right position',
  numFieldsNotPositive: 'ERR Parameter `numFields` should be greater than 0',
  fieldCountNotPositive: 'ERR Number of fields must be a positive integer',
  fieldCountMismatch: 'ERR The `numfields` parameter must match the number of arguments',
  fieldCountInvalid: 'ERR invalid number of fields',
  expireNegative: 'ERR invalid expire time, must be >= 0',
  expireMissing: 'ERR missing expire time',
  fieldConditionTwice: 'ERR Only one of FXX or FNX arguments can be specified',
  fieldExpireTwice: 'ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified',
  offsetOutOfRange: 'ERR offset is out of range',
  stringTooLong: 'ERR string exceeds maximum allowed size (proto-max-bulk-len)',
  bitOffset: 'ERR bit offset is not an integer or out of range',
  bitValue: 'ERR bit is not an integer or out of range',
  bitArgument: 'ERR The bit argument must be 1 or 0.',
  bitopNot: 'ERR BITOP NOT must be called with a single source key.',
  bitfieldType:
    'ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but ' +
    'i64 is.',
  bitfieldOverflow: 'ERR Invalid OVERFLOW type specified',
  bitfieldReadOnly: 'ERR BITFIELD_RO only supports the GET subcommand',
  notHyperLogLog: 'WRONGTYPE Key is not a valid HyperLogLog string value.',
  damagedHyperLogLog: 'INVALIDOBJ Corrupted HLL object detected',
  hyperLogLogNotSparse: 'ERR HLL encoding is not sparse',
  keyDoesNotExist: 'ERR The specified key does not exist',
  geoUnit: 'ERR unsupported unit provided. please use M, KM, FT, MI',
  geoRadiusNotNumeric: 'ERR need numeric radius',
  geoRadiusNegative: 'ERR radius cannot be negative',
  geoWidthNotNumeric: 'ERR need numeric width',
  geoHeightNotNumeric: 'ERR need numeric height',
  geoBoxNegative: 'ERR height or width cannot be negative',
  geoNoMember: 'ERR could not decode requested zset member',
  geoCountNotPositive: 'ERR COUNT must be > 0',
  geoAnyWithoutCount: 'ERR the ANY argument requires COUNT argument',
  geoRadiusStore:
    'ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options',
  geoSearchStore:
    'ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options',
  lcsTypes: 'ERR The specified keys must contain string values',
  lcsLenAndIdx: 'ERR If you want both the length and indexes, please just use IDX.',
  lcsTooLarge: 'ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len',
  nestedMulti: 'ERR MULTI calls can not be nested',
  execWithoutMulti: 'ERR EXEC without MULTI',
  execAborted: 'EXECABORT Transaction discarded because of previous errors.',
  discardWithoutMulti: 'ERR DISCARD without MULTI',
  watchInMulti: 'ERR WATCH inside MULTI is not allowed',
  notInTransaction: 'ERR Command not allowed inside a transaction',
  sameObject: 'ERR source and destination objects are the same',
  invalidDatabase: 'ERR invalid DB index',
  databaseOutOfRange: 'ERR DB index is out of range',
  timeoutNotFloat: 'ERR timeout is not a float or out of range',
  timeoutNegative: 'ERR timeout is negative',
  timeoutOutOfRange: 'ERR timeout is out of range',
  timeoutNotInteger: 'ERR timeout is not an integer or out of range',
  invalidCursor: 'ERR invalid cursor',
  outOfMemory: "OOM command not allowed when used memory > 'maxmemory'.",
  noAuth: 'NOAUTH Authentication required.',
  wrongPassword: 'WRONGPASS invalid username-password pair or user is disabled.',
  noPassword:
    'ERR AUTH <password> called without any password configured for the default user. ' +
    'Are you sure your configuration is correct?',
  helloNoAuth:
    'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO ' +
    '<proto> AUTH <user> <pass> option can be used to authenticate the client and select the ' +
    'RESP protocol version at the same time',
  debugNotAllowed:
    'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you ' +
    'can run it from a local connection, otherwise you need to set this option in the ' +
    'configuration file, and then restart the server.',
  noProtocol: 'NOPROTO unsupported protocol version',
  protocolNotInteger: 'ERR Protocol version is not an integer or out of range',
  loading: 'LOADING Redis is loading the dataset in memory',
  misconfigured:
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist " +
    'to disk. Commands that may modify the data set are disabled, because this instance is ' +
    'configured to report errors during writes if RDB snapshotting fails ' +
    '(stop-writes-on-bgsave-error option). Please check the Redis logs for details about the ' +
    'RDB error.',
  tooManyClients: 'ERR max number of clients reached',
  unblocked: 'UNBLOCKED client unblocked via CLIENT UNBLOCK',
  unblockedByForce:
    'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
  shardFailed: 'ERR internal error: the shard of this key failed and restarts from its snapshot',
  bgsaveInProgress: 'ERR Background save already in progress',
  invalidFirstDatabase: 'ERR invalid first DB index',
  invalidSecondDatabase: 'ERR invalid second DB index',
  databaseNotInt32: 'ERR value is out of range, value must between -2147483648 and 2147483647',
  expireOptionsNx: 'ERR NX and XX, GT or LT options at the same time are not compatible',
  expireOptionsGtLt: 'ERR GT and LT options at the same time are not compatible',
  noLfuPolicy:
    'ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that ' +
    'when switching between policies at runtime LRU and LFU data will take some time to adjust.',
  lfuPolicy:
    'ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when ' +
    'switching between policies at runtime LRU and LFU data will take some time to adjust.',
  debugDatabaseOutOfRange: 'ERR Out of range database',
  sortNotDouble: "ERR One or more scores can't be converted into double",
  busyKey: 'BUSYKEY Target key name already exists.',
  invalidTtl: 'ERR Invalid TTL value, must be >= 0',
  invalidIdleTime: 'ERR Invalid IDLETIME value, must be >= 0',
  invalidFrequency: 'ERR Invalid FREQ value, must be >= 0 and <= 255',
  badDumpFooter: 'ERR DUMP payload version or checksum are wrong',
  badDump: 'ERR Bad data format',
  rangeNotFloat: 'ERR min or max is not a float',
  rangeNotMembers: 'ERR min or max not valid string range item',
  rangeLimit:
    'ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX',
  rangeScoresOfMembers: 'ERR syntax error, WITHSCORES not supported in combination with BYLEX',
  zaddNxXx: 'ERR XX and NX options at the same time are not compatible',
  zaddNxGtLt: 'ERR GT, LT, and/or NX options at the same time are not compatible',
  zaddIncrPairs: 'ERR INCR option supports a single increment-element pair',
  scoreNan: 'ERR resulting score is not a number (NaN)',
  weightNotFloat: 'ERR weight value is not a float',
  badTransfer: 'ERR internal error: a value that came from another shard is not sound',
  streamInvalidId: 'ERR Invalid stream ID specified as stream command argument',
  streamIdNotGreater:
    'ERR The ID specified in XADD is equal or smaller than the target stream top item',
  streamIdZero: 'ERR The ID specified in XADD must be greater than 0-0',
  streamExhausted: 'ERR The stream has exhausted the last possible ID, unable to add more items',
  streamEntryTooLarge: 'ERR Elements are too large to be stored',
  streamInvalidStart: 'ERR invalid start ID for the interval',
  streamInvalidEnd: 'ERR invalid end ID for the interval',
  streamTwoStrategies:
    'ERR syntax error, MAXLEN and MINID options at the same time are not compatible',
  streamMaxlenNegative: 'ERR The MAXLEN argument must be >= 0.',
  streamLimitNegative: 'ERR The LIMIT argument must be >= 0.',
  streamLimitAlone: 'ERR syntax error, LIMIT cannot be used without specifying a trimming strategy',
  streamLimitExact: 'ERR syntax error, LIMIT cannot be used without the special ~ option',
  streamNoStrategy: 'ERR syntax error, XTRIM must be called with a trimming strategy',
  streamAddedNegative: 'ERR entries_added must be positive',
  streamAddedTooSmall:
    'ERR The entries_added specified in XSETID is smaller than the target stream length',
  streamIdBelowGivenDeleted:
    'ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id',
  streamIdBelowDeleted:
    'ERR The ID specified in XSETID is smaller than current max_deleted_entry_id',
  streamIdBelowTop: 'ERR The ID specified in XSETID is smaller than the target stream top item',
  streamDollarInGroup:
    'ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of ' +
    'this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID ' +
    'would just return an empty result set.',
  streamGreaterInRead:
    'ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> ' +
    '<consumer> option.',
  streamGroupInRead:
    'ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.',
  streamNoackInRead:
    'ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.',
  streamGroupMissing: 'ERR Missing GROUP option for XREADGROUP',
  streamKeyRequired:
    'ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to ' +
    'use the MKSTREAM option to create an empty stream automatically.',
  streamGroupExists: 'BUSYGROUP Consumer Group name already exists',
  streamEntriesRead: 'ERR value for ENTRIESREAD must be positive or -1',
  streamCountNotPositive: 'ERR COUNT must be > 0',
  keyCountNegative: "ERR Number of keys can't be negative",
  noScript: 'NOSCRIPT No matching script. Please use EVAL.',
  scriptReplyDepth: 'ERR reached lua stack limit',
  scriptKilled: 'ERR Script killed by user with SCRIPT KILL...',
  scriptTooLong: 'ERR Script stopped: it took longer than busy-reply-threshold...',
  scriptCircle:
    'ERR Scripts on several shards wait for keys of each other; this one was ended. Declare the ' +
    'keys in KEYS, or give them a common hash tag',
  scriptUndeclaredKey: 'ERR Script attempted to access a non local key in a cluster node',
  scriptNotBusy: 'NOTBUSY No scripts in execution right now.',
  scriptUnkillable:
    'UNKILLABLE Sorry the script already executed write commands against the dataset. You can ' +
    'either wait the script termination or kill the server in a hard way using the SHUTDOWN ' +
    'NOSAVE command.',
  scriptBusy:
    'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
  scriptFlushOption: 'ERR SCRIPT FLUSH only support SYNC|ASYNC option',
  scriptDebugOption: 'ERR Use SCRIPT DEBUG YES/SYNC/NO',
  scriptDebugger: 'ERR the debugger of scripts is not there',
  scriptMisconfigured:
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist " +
    "to disk. Writable scripts are blocked. Use 'no-writes' flag for read only scripts.",
  scriptWithWrites: 'ERR Can not execute a script with write flag using *_ro command.',
  shebangIncomplete: 'ERR Invalid script shebang',
  shebangQuotes: 'ERR Invalid engine in script shebang',
} as const;

/** Of FUNCTION, FCALL, and libraries. */
export const functionErrors = {
  notFound: 'ERR Function not found',
  keyCount: 'ERR Bad number of keys provided',
  busy: 'BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.',
  noMetadata: 'ERR Missing library metadata',
  badMetadata: 'ERR Invalid library metadata',
  twoNames: 'ERR Invalid metadata value, name argument was given multiple times',
  noName: 'ERR Library name was not given',
  name:
    'ERR Library names can only contain letters, numbers, or underscores(_) and must be at least ' +
    'one character long',
  empty: 'ERR No functions registered',
  loadTimeout: 'ERR FUNCTION LOAD timeout',
  libraryNotFound: 'ERR Library not found',
  listName: 'ERR library name argument was not given',
  flushOption: 'ERR FUNCTION FLUSH only supports SYNC|ASYNC option',
  restorePolicy: 'ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.',
  notFunction: 'ERR given type is not a function',
  preRelease: 'ERR Pre-GA function format not supported',
  badPayload: 'ERR failed loading the given functions payload',
} as const;

/** What redis.register_function raises. */
export const registrationErrors = {
  notLoading: 'redis.register_function can only be called on FUNCTION LOAD command',
  argumentCount: 'wrong number of arguments to redis.register_function',
  notTable:
    'calling redis.register_function with a single argument is only applicable to Lua table ' +
    '(representing named arguments).',
  firstNotText: 'first argument to redis.register_function must be a string',
  secondNotFunction: 'second argument to redis.register_function must be a function',
  keyNotText: 'named argument key given to redis.register_function is not a string',
  nameNotText: 'function_name argument given to redis.register_function must be a string',
  descriptionNotText: 'description argument given to redis.register_function must be a string',
  callbackNotFunction: 'callback argument given to redis.register_function must be a function',
  flagsNotTable:
    'flags argument to redis.register_function must be a table representing function flags',
  unknownFlag: 'unknown flag given',
  unknownArgument: 'unknown argument given to redis.register_function',
  noName: 'redis.register_function must get a function name argument',
  noCallback: 'redis.register_function must get a callback argument',
  badName:
    'Library names can only contain letters, numbers, or underscores(_) and must be at least one ' +
    'character long',
  twice: 'Function already exists in the library',
} as const;

/** What a script's redis.call replies or raises before a command runs; `-CODE` where it has one. */
export const scriptCallErrors = {
  noArguments: 'Please specify at least one argument for this redis lib call',
  argumentTypes: 'Lua redis lib command arguments must be strings or integers',
  unknownCommand: 'Unknown Redis command called from script',
  wrongArity: 'Wrong number of args calling Redis command from script',
  notAllowed: 'This Redis command is not allowed from script',
  readOnly: 'Write commands are not allowed from read-only scripts.',
  outOfMemory: "-OOM command not allowed when used memory > 'maxmemory'.",
  misconfigured: `-${errors.misconfigured}`,
  aclUnknownCommand: 'Invalid command passed to redis.acl_check_cmd()',
} as const;

export function scriptSyntax(message: string): string {
  return `ERR Error compiling script (new function): ${message}`;
}

export function shebangEngine(engine: string): string {
  return `ERR Unexpected engine in script shebang: ${engine}`;
}

export function shebangOption(option: string): string {
  return `ERR Unknown lua shebang option: ${option}`;
}

export function shebangFlag(flag: string): string {
  return `ERR Unexpected flag in script shebang: ${flag}`;
}

export function functionSyntax(message: string): string {
  return `ERR Error compiling function: ${message}`;
}

/** `text` is the error that the code of the library ended with. */
export function functionRegistration(text: string): string {
  return `ERR Error registering functions: ${text}`;
}

export function functionEngine(engine: string): string {
  return `ERR Engine '${engine}' not found`;
}

export function functionLibraryOption(option: string): string {
  return `ERR Invalid metadata value given: ${option}`;
}

export function libraryExists(name: string): string {
  return `ERR Library '${name}' already exists`;
}

/** The same for FUNCTION RESTORE. */
export function restoredLibraryExists(name: string): string {
  return `ERR Library ${name} already exists`;
}

export function functionExists(name: string): string {
  return `ERR Function ${name} already exists`;
}

export function unknownLoadOption(option: string): string {
  return `ERR Unknown option given: ${option}`;
}

export function unknownListArgument(argument: string): string {
  return `ERR Unknown argument ${argument}`;
}

/** Unknown command, with the beginning of its arguments, as Redis quotes them. */
export function unknownCommand(name: string, args: readonly string[]): string {
  let quoted = '';
  for (const arg of args) {
    if (quoted.length >= 128) break;
    quoted += `'${arg.slice(0, 128 - quoted.length)}' `;
  }
  return `ERR unknown command '${name.slice(0, 128)}', with args beginning with: ${quoted}`;
}

/** `name` is the lower-case full name, `container|name` for a subcommand. */
export function wrongArity(name: string): string {
  return `ERR wrong number of arguments for '${name}' command`;
}

export function unknownSubcommand(subcommand: string, container: string): string {
  return `ERR unknown subcommand '${subcommand.slice(0, 128)}'. Try ${container} HELP.`;
}

export function invalidExpire(command: string): string {
  return `ERR invalid expire time in '${command}' command`;
}

export function unknownArgument(argument: string): string {
  return `ERR unknown argument: ${argument}`;
}

export function unsupportedOption(option: string): string {
  return `ERR Unsupported option ${option}`;
}

export function unknownPfdebugSubcommand(subcommand: string): string {
  return `ERR Unknown PFDEBUG subcommand '${subcommand}'`;
}

/** `name` is the lower-case name of a command on several sorted sets. */
export function noInputKeys(name: string): string {
  return `ERR at least 1 input key is needed for '${name}' command`;
}

/** XREAD or XREADGROUP with a number of keys and IDs that is odd. */
export function streamsUnbalanced(command: string, symbol: string): string {
  return (
    `ERR Unbalanced '${command}' list of streams: for each stream key an ID or '${symbol}' must ` +
    'be specified.'
  );
}

/** `key` and `group` as Redis's %s prints them: up to the first NUL. */
export function noStreamGroup(key: string, group: string): string {
  return `NOGROUP No such key '${key}' or consumer group '${group}'`;
}

export function noStreamGroupToRead(key: string, group: string): string {
  return `${noStreamGroup(key, group)} in XREADGROUP with GROUP option`;
}

export function noStreamGroupForKey(group: string, key: string): string {
  return `NOGROUP No such consumer group '${group}' for key name '${key}'`;
}

export function invalidStreamOption(option: string, command: string): string {
  return `ERR Invalid ${option} argument for ${command}`;
}

export function unknownClaimOption(option: string): string {
  return `ERR Unrecognized XCLAIM option '${option}'`;
}

/** A subcommand that is known, with arguments that it does not take. */
export function subcommandSyntax(subcommand: string, container: string): string {
  const name = subcommand.slice(0, 128);
  return (
    `ERR unknown subcommand or wrong number of arguments for '${name}'. ` + `Try ${container} HELP.`
  );
}

/** A command of a RESP2 client that is subscribed to something. */
export function notWhileSubscribed(command: string): string {
  return (
    `ERR Can't execute '${command}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET ` +
    'are allowed in this context'
  );
}

/** EXEC that was refused before it looked at its transaction. */
export function execRefused(reason: string): string {
  return `EXECABORT Transaction discarded because of: ${reason.replace(/^ERR /, '')}`;
}

/** Coordinates as `%f` prints them. */
export function invalidPosition(longitude: string, latitude: string): string {
  return `ERR invalid longitude,latitude pair ${longitude},${latitude}`;
}

/** GEOSEARCH without centre. */
export function noSearchCentre(command: string): string {
  return `ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ${command}`;
}

/** GEOSEARCH without shape. */
export function noSearchShape(command: string): string {
  return `ERR exactly one of BYRADIUS and BYBOX can be specified for ${command}`;
}
