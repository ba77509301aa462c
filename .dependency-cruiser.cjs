/** The directions that imports may take; ARCHITECTURE.md says why. */
const forbid = (name, from, to, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: to },
});

/** The parts of the server that know of HTTP or of the process. */
const server =
  '(controllers|engines|app|server|authentication|connections|dependencies|readiness|spool|upload|tensor-upload|answer-stream|error-handler|metrics|model-list)';

module.exports = {
  forbidden: [
    forbid('serving-knows-no-training', '^src/', '^model_creation/', 'What is served never needs what trains.'),
    forbid('no-code-needs-tests', '^(src|model_creation)/', '^test/', 'Tests stand outside.'),
    forbid(
      'detection-knows-no-http',
      '^src/(detection|inference|open-inference)/',
      `^src/(${server}|workers|tasks|config|logger|cli|command)|node_modules/(express|multer|winston)/`,
      'The definition of a verdict is the same for server, command line and training.',
    ),
    forbid(
      'inference-knows-no-detection',
      '^src/inference/',
      '^src/detection/',
      'A model file gives errors; what they mean is decided above it.',
    ),
    forbid(
      'training-uses-the-definition-only',
      '^model_creation/',
      `^src/(${server}|workers|tasks|logger|cli)`,
      'Training shares the definition of every number with serving, and nothing else.',
    ),
    forbid('workers-know-no-http', '^src/workers/', `^src/(${server}|tasks)`, 'Workers compute.'),
    forbid(
      'tasks-know-no-engine',
      '^src/tasks/',
      '^src/(controllers|app|server|upload|engines)',
      'A task is the same whoever sends it.',
    ),
    forbid(
      'engines-know-no-routes',
      '^src/engines/',
      '^src/(controllers|app|server|upload)',
      'Engines are called; who calls us is for controllers.',
    ),
    forbid(
      'serving-knows-no-page',
      '^(src/(?!page/)|model_creation/)',
      '^src/page/',
      'The page is bundled and served as files.',
    ),
    {
      name: 'page-runs-in-browsers',
      comment: 'The page shares the definition of a verdict, as far as it is pure, and the types of answers.',
      severity: 'error',
      from: { path: '^src/page/', pathNot: '^src/page/build' },
      to: {
        path: '.',
        pathNot:
          '^src/page/|^src/errors\\.ts$|^src/detection/(byte-source|byte-writer|calibration|cell-block|columns-to-draw|csv|gaps|interval|numbers|options|plain-csv|series|table|ticks|timestamps|verdict|warnings)\\.ts$|^node_modules/(uplot|papaparse|@types/papaparse)/',
        dependencyTypesNot: ['type-only'],
      },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^src/generated/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
