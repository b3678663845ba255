/** hashlane as a library: a server inside a Node program, for example in a test. */
export { buildConfiguration, parseCommandLine } from './command-line.ts';
export { Configuration } from './configuration.ts';
export { createLogger, type Logger } from './log.ts';
export { type RunningServer, startServer } from './server.ts';
