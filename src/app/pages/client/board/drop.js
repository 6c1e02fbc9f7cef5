// Dropping files from the desktop onto a card or onto the dialog of a task.

const hasFiles = ({ dataTransfer }) => dataTransfer?.types.includes('Files') ?? false

/** Calls `drop(taskId, files, folders)`: the files to attach, and how many folders were left out. */
export function enableFileDrop({ mayDrop, openTask, drop }) {
  let marked

  /** Returns where files would land: the dialog if it is open, else the card below. */
  function targetOf({ target }) {
    if (!mayDrop()) return undefined
    const element = openTask() ? target.closest('dialog.task') : target.closest('.card')
    return element ? { element, id: openTask() ?? element.dataset.id } : undefined
  }

  function mark(element) {
    if (element === marked) return
    marked?.classList.remove('drop-file')
    element?.classList.add('drop-file')
    marked = element
  }

  // The browser would open a file that is dropped beside.
  for (const type of ['dragenter', 'dragover'])
    globalThis.addEventListener(type, (event) => {
      if (!hasFiles(event)) return
      event.preventDefault()
      const target = targetOf(event)
      event.dataTransfer.dropEffect = target ? 'copy' : 'none'
      mark(target?.element)
    })
  globalThis.addEventListener('dragleave', (event) => {
    // Null: the pointer has left the window.
    if (event.relatedTarget === null) mark(undefined)
  })
  globalThis.addEventListener('drop', (event) => {
    if (!hasFiles(event)) return
    event.preventDefault()
    mark(undefined)
    const target = targetOf(event)
    if (!target) return
    const items = [...event.dataTransfer.items].filter(({ kind }) => kind === 'file')
    const isFolder = (item) => item.webkitGetAsEntry?.()?.isDirectory === true
    const files = items.filter((item) => !isFolder(item)).map((item) => item.getAsFile())
    drop(target.id, files.filter(Boolean), items.filter(isFolder).length)
  })
}
