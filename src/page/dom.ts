/** The element of the page with an id; the page is wrong where there is none of that kind. */
export function byId<T extends HTMLElement>(id: string, kind: abstract new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`The page has no ${kind.name} "${id}".`);
}

/** Makes an element with a class and what is in it. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className = '',
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** Turns a button on or off; one that is off keeps the focus, see {@link onPress}. */
export function turnOn(button: HTMLButtonElement, isOn: boolean): void {
  button.setAttribute('aria-disabled', `${!isOn}`);
}

/** Calls back whenever a button is pressed while it is not turned off. */
export function onPress(button: HTMLButtonElement, action: () => void): void {
  button.addEventListener('click', () => {
    if (button.getAttribute('aria-disabled') !== 'true') action();
  });
}
