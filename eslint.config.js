import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', 'src/generated/', '.venv/', 'bench/.venv/', 'bench/.venv-peer/', '.tools/']),
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['*.js', '*.cjs'] } } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // An index may lie outside an array, which the types do not say.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // What is read from a file has the type that its reader names.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // winston's transports and their types come from two packages.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['test/**'],
    rules: {
      // describe() takes a function for a whole file, and chai's assertions are expressions.
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-unused-expressions': 'off',
      // The bodies that supertest gives are of any type.
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
  {
    files: ['*.js', '*.cjs'],
    languageOptions: { globals: { module: 'writable' } },
    extends: [tseslint.configs.disableTypeChecked],
  },
  prettier,
);
