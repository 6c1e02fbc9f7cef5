// Dragging cards with a mouse, a pen or a finger. Fingers drag by the grip, so that they can scroll the rest.

const SLACK_PX = 5
const EDGE_PX = 60
const SCROLL_PX = 14

/** Listens on the element that holds all cards. `drop(id, {status, beforeId, afterId})` is called at the end. */
export function enableDrag(root, { mayDrag, drop }) {
  let drag

  root.addEventListener('pointerdown', (event) => {
    const card = event.target.closest('.card')
    const byGrip = event.target.closest('.grip')
    if (!card || event.button !== 0 || !mayDrag()) return
    if (event.pointerType === 'touch' && !byGrip) return
    drag = { card, id: card.dataset.id, pointer: event.pointerId, x: event.clientX, y: event.clientY }
    if (byGrip) byGrip.setPointerCapture(event.pointerId)
  })

  globalThis.addEventListener('pointermove', (event) => {
    if (event.pointerId !== drag?.pointer) return
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y]
    if (!drag.ghost && Math.hypot(dx, dy) < SLACK_PX) return
    event.preventDefault()
    drag.ghost ??= lift(drag.card)
    drag.ghost.style.transform = `translate(${dx}px, ${dy}px) rotate(1.5deg)`
    drag.at = [event.clientX, event.clientY]
    drag.frame ??= requestAnimationFrame(() => {
      drag.frame = undefined
      aim()
    })
  })

  globalThis.addEventListener('pointerup', (event) => {
    if (event.pointerId !== drag?.pointer) return
    const target = drag.ghost && placeAt(event.clientX, event.clientY, drag.id)
    const { id, ghost } = drag
    end()
    if (!ghost) return
    // The click that follows would open the card.
    globalThis.addEventListener('click', (click) => click.stopPropagation(), { capture: true, once: true })
    setTimeout(() => globalThis.dispatchEvent(new Event('click')), 0)
    if (target && target.beforeId !== id && target.afterId !== id) drop(id, target)
  })
  globalThis.addEventListener('pointercancel', end)
  globalThis.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') end()
  })
  root.addEventListener('dragstart', (event) => event.preventDefault())

  /** Marks where the card would land, and scrolls near the edges. */
  function aim() {
    if (!drag?.ghost) return
    unmark()
    const target = placeAt(...drag.at, drag.id)
    target?.mark.element.classList.add(target.mark.name)
    const list = target?.list
    if (list) {
      const { top, bottom } = list.getBoundingClientRect()
      const y = drag.at[1]
      const step = y < top + EDGE_PX ? -SCROLL_PX : y > bottom - EDGE_PX ? SCROLL_PX : 0
      list.scrollTop += step
      if (step) drag.frame = requestAnimationFrame(again)
    }
    const { clientWidth } = root
    if (drag.at[0] < EDGE_PX / 2) root.scrollLeft -= SCROLL_PX
    if (drag.at[0] > clientWidth - EDGE_PX / 2) root.scrollLeft += SCROLL_PX
  }

  function again() {
    if (!drag) return
    drag.frame = undefined
    aim()
  }

  function end() {
    if (!drag) return
    cancelAnimationFrame(drag.frame)
    unmark()
    drag.ghost?.remove()
    drag.card.classList.remove('lifted')
    document.body.classList.remove('dragging')
    drag = undefined
  }

  function unmark() {
    for (const name of ['drop-before', 'drop-after', 'drop-end'])
      for (const element of root.querySelectorAll(`.${name}`)) element.classList.remove(name)
  }
}

function lift(card) {
  const { left, top, width } = card.getBoundingClientRect()
  const ghost = card.cloneNode(true)
  ghost.classList.add('ghost')
  ghost.removeAttribute('data-id')
  Object.assign(ghost.style, { left: `${left}px`, top: `${top}px`, width: `${width}px` })
  document.body.append(ghost)
  card.classList.add('lifted')
  document.body.classList.add('dragging')
  return ghost
}

/** Returns the place under a point: a status, and the neighbour that the card goes before or after. */
function placeAt(x, y, ownId) {
  const under = document.elementFromPoint(x, y)
  const column = under?.closest('.column')
  if (!column) return undefined
  const { status } = column.dataset
  const list = column.querySelector('.cards')
  const card = under.closest('.card')
  if (!card) {
    const last = list.querySelector('.card:last-of-type')
    const mark = { element: list, name: 'drop-end' }
    return last && last.dataset.id !== ownId ? { status, afterId: last.dataset.id, list, mark } : { status, list, mark }
  }
  const { top, height } = card.getBoundingClientRect()
  const id = card.dataset.id
  if (y < top + height / 2) return { status, beforeId: id, list, mark: { element: card, name: 'drop-before' } }
  return { status, afterId: id, list, mark: { element: card, name: 'drop-after' } }
}
