// The files in the dialog of a task.

import { repeat } from '../lit/directives/repeat.js'
import { html, nothing } from '../lit/lit-html.js'
import { attach, cancel, deleteFile, saveFile, tryAgain } from './files.js'

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' })
const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte']

/** Shows a size like "81 kB". */
export function sizeText(bytes) {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3))
  const unitDisplay = power === 0 ? 'long' : 'short'
  const options = { style: 'unit', unit: UNITS[power], unitDisplay, maximumSignificantDigits: 3 }
  return new Intl.NumberFormat(undefined, options).format(bytes / 1000 ** power)
}

export function filesView(board) {
  const { id, files, said } = board.editor
  const uploads = board.uploads.filter(({ taskId }) => taskId === id)
  return html`<section class="files" aria-labelledby="files-title">
    <h3 id="files-title">Files</h3>
    ${files === undefined ? html`<p class="quiet">Loading …</p>` : nothing}
    <ul>
      ${repeat(
        files ?? [],
        (file) => file.id,
        (file) => fileView(board, file),
      )}
      ${repeat(
        uploads,
        (upload) => upload.id,
        (upload) => uploadView(board, upload),
      )}
    </ul>
    ${board.canWrite ? attachView(board, id) : nothing}
    <p class=${said?.kind === 'bad' ? 'problem' : 'quiet'} role="status">${said?.text}</p>
  </section>`
}

function fileView(board, file) {
  const { id, filename, size, uploader, createdAt } = file
  const { fetching, deleting } = board.editor
  const busy = fetching?.id === id
  return html`<li>
    <button class="plain file" ?disabled=${busy} @click=${() => saveFile(board, file)}>
      <span class="hidden">Download</span> ${filename}
    </button>
    <span class="quiet">${sizeText(size)}, ${uploader?.name ?? 'deleted account'}, ${TIME.format(new Date(createdAt))}</span>
    ${busy ? html`<progress max=${size || 1} .value=${fetching.done} aria-label="Downloading ${filename}"></progress>` : nothing}
    ${
      mayDelete(board, file)
        ? html`<button class="plain danger" @click=${() => deleteFile(board, file)}>
            ${deleting === id ? 'Delete for good' : 'Delete'} <span class="hidden">${filename}</span>
          </button>`
        : nothing
    }
  </li>`
}

const mayDelete = (board, { uploaderId }) =>
  board.me.role === 'ADMIN' || board.role === 'OWNER' || (board.canWrite && uploaderId === board.me.id)

function uploadView(board, upload) {
  const { file, done, problem } = upload
  return html`<li class="upload">
    <span class="file">${file.name}</span>
    ${
      problem
        ? html`<span class="problem" role="alert"><span class="hidden">${file.name} was not attached.</span> ${problem}</span>
            <button class="plain" @click=${() => tryAgain(board, upload)}>Try again <span class="hidden">to attach ${file.name}</span></button>`
        : html`<progress max=${file.size || 1} .value=${done} aria-label="Sending ${file.name}"></progress>
            <span class="quiet">${sizeText(Math.min(done, file.size))} of ${sizeText(file.size)}</span>`
    }
    <button class="plain" aria-label=${`${problem ? 'Forget' : 'Stop sending'} ${file.name}`} @click=${() => cancel(board, upload)}>✕</button>
  </li>`
}

function attachView(board, taskId) {
  const choose = ({ target }) => target.parentElement.querySelector('input').click()
  const take = ({ target }) => {
    attach(board, taskId, [...target.files])
    // So that the same file can be chosen again.
    target.value = ''
  }
  return html`<div class="attach">
    <input type="file" multiple class="hidden" tabindex="-1" aria-hidden="true" @change=${take} />
    <button type="button" @click=${choose}>Attach files</button> <span class="quiet wide">or drop them here</span>
  </div>`
}
