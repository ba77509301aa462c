/** What the reader asks of the chart; shares and moves are of what is on screen, 0 to 1. */
export interface Motions {
  /** Shows `factor` times as much, and keeps what lies at `share` of the width where it is. */
  zoom: (factor: number, share: number) => void;
  pan: (share: number) => void;
  showAll: () => void;
  /** Goes to the next (1) or the previous (-1) interval. */
  step: (direction: 1 | -1) => void;
  /** Whether all is on screen already. */
  showsAll: () => boolean;
  /** Whether no less can be shown. */
  showsLeast: () => boolean;
}

const KEY_ZOOM = 0.5;
const KEY_PAN = 0.2;
const WHEEL_ZOOM = 0.0015;
// A pinch on a trackpad comes as a wheel that hardly turns, with the control key.
const PINCH_ZOOM = 0.01;
const LARGEST_PINCH = 50;
// A wheel that counts in lines rather than in pixels.
const LINE_PIXELS = 16;

/** Something that can be moved. */
export interface Movable {
  readonly motions: Motions;
  /** Where its lines are on screen. */
  plotArea: () => DOMRect;
  /** Takes the cursor away from where it was. */
  dropCursor: () => void;
}

/**
 * Lets wheel, trackpad, fingers and keys move what is in an element, while there is something.
 *
 * @param surroundings where keys do so too
 */
export function listen(element: HTMLElement, surroundings: Element, movable: () => Movable | undefined): void {
  const onWheelOver = (event: WheelEvent) => {
    const moved = movable();
    if (moved) onWheel(event, element.contains(document.activeElement), moved);
  };
  element.addEventListener('wheel', onWheelOver, { passive: false });
  surroundings.addEventListener('keydown', (event) => {
    const moved = movable();
    if (moved) onKey(event as KeyboardEvent, moved.motions);
  });
  element.addEventListener('dblclick', () => movable()?.motions.showAll());
  listenToFingers(element, movable);
}

/** @param hasFocus without it the wheel goes on moving the page, which people are on their way through */
function onWheel(event: WheelEvent, hasFocus: boolean, { motions, plotArea }: Movable): void {
  const isPinch = event.ctrlKey || event.metaKey;
  const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PIXELS : 1;
  const isSideways = !isPinch && (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY));
  const hasNothingToDo = isSideways || event.deltaY > 0 ? motions.showsAll() : motions.showsLeast();
  if (!isPinch && (!hasFocus || hasNothingToDo)) return;
  // One that has begun to scroll the page goes on doing so.
  if (!event.cancelable) return;
  event.preventDefault();
  const area = plotArea();
  if (isSideways) {
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    motions.pan((sideways * unit) / area.width);
  } else {
    motions.zoom(
      Math.exp(isPinch ? pinch(event.deltaY) : event.deltaY * unit * WHEEL_ZOOM),
      shareOf(event.clientX, area),
    );
  }
}

/** A real wheel with the control key goes a hundred times as far at once. */
function pinch(delta: number): number {
  return Math.min(Math.max(delta, -LARGEST_PINCH), LARGEST_PINCH) * PINCH_ZOOM;
}

function onKey(event: KeyboardEvent, motions: Motions): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const actions: Record<string, () => void> = {
    ArrowLeft: () => motions.pan(-KEY_PAN),
    ArrowRight: () => motions.pan(KEY_PAN),
    ArrowUp: () => motions.zoom(KEY_ZOOM, 0.5),
    ArrowDown: () => motions.zoom(1 / KEY_ZOOM, 0.5),
    '+': () => motions.zoom(KEY_ZOOM, 0.5),
    '=': () => motions.zoom(KEY_ZOOM, 0.5),
    '-': () => motions.zoom(1 / KEY_ZOOM, 0.5),
    '0': () => motions.showAll(),
    Home: () => motions.pan(-Infinity),
    End: () => motions.pan(Infinity),
    n: () => motions.step(1),
    p: () => motions.step(-1),
  };
  const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

/** One finger pans, two zoom; up and down stay with the page. */
function listenToFingers(element: HTMLElement, movable: () => Movable | undefined): void {
  const fingers = new Map<number, number>();
  const lift = ({ pointerId }: PointerEvent) => fingers.delete(pointerId);
  element.addEventListener('pointerdown', ({ pointerType, pointerId, clientX }) => {
    if (pointerType === 'touch') fingers.set(pointerId, clientX);
  });
  element.addEventListener('pointermove', ({ pointerId, clientX }) => {
    const before = fingers.get(pointerId);
    const moved = movable();
    if (before === undefined || !moved) return;
    fingers.set(pointerId, clientX);
    const { motions } = moved;
    moved.dropCursor();
    const area = moved.plotArea();
    const [other] = [...fingers].filter(([id]) => id !== pointerId);
    if (!other) {
      motions.pan((before - clientX) / area.width);
      return;
    }
    const apart = Math.max(Math.abs(clientX - other[1]), 1);
    motions.zoom(Math.abs(before - other[1]) / apart, shareOf((clientX + other[1]) / 2, area));
  });
  for (const end of ['pointerup', 'pointercancel'] as const) element.addEventListener(end, lift);
}

function shareOf(clientX: number, { left, width }: DOMRect): number {
  return Math.min(Math.max((clientX - left) / width, 0), 1);
}
