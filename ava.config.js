export default {
  files: ['test/**/*.test.ts'],
  extensions: ['ts'],
  timeout: '12m',
  concurrency: 2,
}
