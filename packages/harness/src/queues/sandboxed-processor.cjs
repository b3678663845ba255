/** The processor of the sandbox cases; CommonJS, which BullMQ and Bull both load. */
module.exports = async (job) => {
  if (typeof job.data.n !== 'number') throw new Error(`not a number: ${job.data.n}`);
  await job.log(`squaring ${job.data.n}`);
  await (job.updateProgress ?? job.progress).call(job, 50);
  return { square: job.data.n ** 2, pid: process.pid };
};
