const names = [
  'ink',
  'soft',
  'line',
  'paper',
  'series',
  'expected',
  'anomaly',
  'band',
  'band-chosen',
  'missing',
  'score',
] as const;

/** A colour of the page by its name in the style sheet. */
export type Colour = (typeof names)[number];

const colours = new Map<Colour, string>();
const preferences = ['(prefers-color-scheme: dark)', '(forced-colors: active)'].map((query) => matchMedia(query));

/** A colour as it is now, for what is drawn rather than styled. */
export function colour(name: Colour): string {
  return colours.get(name) ?? 'currentcolor';
}

/** Calls back once colours have changed. */
export function onThemeChange(listener: () => void): void {
  for (const preference of preferences) {
    preference.addEventListener('change', () => {
      readColours();
      listener();
    });
  }
}

function readColours(): void {
  const style = getComputedStyle(document.documentElement);
  for (const name of names) colours.set(name, style.getPropertyValue(`--${name}`).trim());
}

readColours();
