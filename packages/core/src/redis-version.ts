/** The Redis whose behaviour we follow; clients and scripts decide by it what they may use. */
export const REDIS_VERSION = '7.4.0';
