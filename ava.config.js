export default {
  files: ['test/**/*.test.ts', '!test/package/**'], // that one boots a Debian of its own: npm run test:package
  extensions: ['ts'],
  timeout: '12m',
  concurrency: 2,
}
