export { Block, copyBytes, equalBytes } from './block.ts';
export {
  errors,
  execRefused,
  invalidExpire,
  invalidPosition,
  invalidStreamOption,
  noInputKeys,
  noSearchCentre,
  noSearchShape,
  noStreamGroup,
  noStreamGroupForKey,
  noStreamGroupToRead,
  streamsUnbalanced,
  subcommandSyntax,
  unknownArgument,
  unknownClaimOption,
  unknownCommand,
  unknownPfdebugSubcommand,
  unknownSubcommand,
  unsupportedOption,
  wrongArity,
} from './errors.ts';
export { decimalLength, ReplyWriter, writeDecimal } from './reply-writer.ts';
export { ParseError, RequestParser, splitWords } from './request-parser.ts';
