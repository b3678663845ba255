/** The processor of sandbox-cases.ts; CommonJS, because BullMQ takes the file's default export. */
module.exports = async (job) => {
  if (typeof job.data.n !== 'number') throw new Error(`not a number: ${job.data.n}`);
  await job.log(`squaring ${job.data.n}`);
  await job.updateProgress(50);
  return { square: job.data.n ** 2, pid: process.pid };
};
