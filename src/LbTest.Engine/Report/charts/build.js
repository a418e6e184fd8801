// Bundles charts.js with the parts of ECharts that it imports into the file given, under the licences of all that is in it.
import { readFileSync } from 'node:fs';
import { build } from 'esbuild';

const works = {
  echarts: ['LICENSE', 'NOTICE', 'licenses/LICENSE-d3'],
  zrender: ['LICENSE'],
  tslib: ['CopyrightNotice.txt', 'LICENSE.txt'],
};

const read = path => readFileSync(new URL(`node_modules/${path}`, import.meta.url), 'utf8');
const texts = Object.entries(works).flatMap(([name, files]) => {
  const { version } = JSON.parse(read(`${name}/package.json`));
  return files.map(file => `==== ${name} ${version}: ${file} ====\n\n${read(`${name}/${file}`).trim()}`);
});
// "!" keeps the comment through every minifier. Within it no comment and no script element may end.
const notice = `This script is made from parts of Apache ECharts, zrender and tslib, minified. Their licences and notices:\n\n${texts.join('\n\n')}\n`
  .replaceAll('*/', '* /').replaceAll('</', '< /');

await build({
  entryPoints: [new URL('charts.js', import.meta.url).pathname],
  outfile: process.argv[2],
  bundle: true,
  minify: true,
  format: 'iife',
  globalName: 'charts',
  target: 'es2020',
  charset: 'utf8',
  legalComments: 'none',
  define: { 'process.env.NODE_ENV': '"production"' },
  banner: { js: `/*!\n${notice}*/` },
});
