export default {
  files: ['test/package/*.test.ts'],
  extensions: ['ts'],
  timeout: '12m',
}
