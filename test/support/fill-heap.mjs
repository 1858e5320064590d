// Loaded into a process before its own program: on SIGUSR2 it keeps more than its heap has room for.
process.on('SIGUSR2', () => {
  const kept = [];
  for (;;) kept.push(Array.from({ length: 10_000 }, () => Math.random()));
});
