export default {
  files: ['test/**/*.test.ts'],
  extensions: ['ts'],
  timeout: '4m',
  concurrency: 2,
}
