export { Block, copyBytes, equalBytes } from './block.ts';
export {
  errors,
  invalidExpire,
  unknownArgument,
  unknownCommand,
  unknownSubcommand,
  unsupportedOption,
  wrongArity,
} from './errors.ts';
export { decimalLength, ReplyWriter, writeDecimal } from './reply-writer.ts';
export { ParseError, RequestParser, splitWords } from './request-parser.ts';
