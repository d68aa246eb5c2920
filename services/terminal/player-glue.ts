import { playerWasm } from './player-wasm.ts'

/** What the player's WebAssembly exports; pointers and sizes in bytes. */
export type PlayerExports = {
  memory: WebAssembly.Memory
  create(cols: number, rows: number, scrollback: number, boldIsBright: number): number
  vt_feed(terminal: number, text: number, length: number): number
  vt_resize(terminal: number, cols: number, rows: number): number
  vt_getLine(terminal: number, row: number, isCursorOn: number): number
  vt_getCursor(terminal: number): number
  __wbg_vt_free(terminal: number, isShared: number): void
  __wbindgen_export(sizeBytes: number, align: number): number // malloc
}

const reserved = 132 // handles below are constants of wasm-bindgen

/** Handles of the objects that cross the border, dropped together after each call. */
const createHandles = () => {
  const objects: unknown[] = new Array(reserved).fill(undefined)
  let isWanted = true
  return {
    add: (value: unknown): number => (isWanted ? objects.push(value) - 1 : reserved),
    get: (handle: number): unknown => objects[handle],
    /** What the call returns is of no use: nothing of it is kept. */
    ignoring: (call: () => unknown): void => {
      isWanted = false
      try {
        call()
      } finally {
        isWanted = true
      }
    },
    /** What a call returned; frees every handle. */
    take: (handle: number): unknown => {
      const value = objects[handle]
      objects.length = reserved
      return value
    },
  }
}
export type Handles = ReturnType<typeof createHandles>

const text = new TextDecoder()

/**
 * wasm-bindgen names its imports by purpose and a hash. `new` makes an array or an object: an array serves for both,
 * since a field is set on either alike.
 */
const importNamed = (name: string, handles: Handles, string: (at: number, length: number) => string) => {
  if (name.startsWith('__wbg_new_')) return () => handles.add([])
  if (name.startsWith('__wbg_set_8b6a9a61e98a8881'))
    return (list: number, index: number, value: number) => {
      const target = handles.get(list)
      if (Array.isArray(target)) target[index] = handles.get(value)
    }
  if (name.startsWith('__wbg_set_'))
    return (object: number, key: number, value: number) =>
      Object.assign(Object(handles.get(object)), { [String(handles.get(key))]: handles.get(value) })
  if (name === '__wbindgen_cast_2241b6af4c4b2941')
    return (at: number, length: number) => handles.add(string(at, length))
  if (name.startsWith('__wbindgen_cast_')) return (value: unknown) => handles.add(value)
  if (name === '__wbindgen_object_clone_ref') return (handle: number) => handles.add(handles.get(handle))
  if (name === '__wbindgen_object_drop_ref') return () => {}
  return (at: number, length: number) => {
    throw new Error(string(at, length))
  }
}

/** A memory of its own, so that output which breaks one terminal breaks no other. */
export const instantiatePlayer = (): { wasm: PlayerExports; handles: Handles } => {
  const module = playerWasm()
  const handles = createHandles()
  const string = (at: number, length: number) => text.decode(new Uint8Array(wasm.memory.buffer, at, length))
  const wbg = Object.fromEntries(
    WebAssembly.Module.imports(module).map(({ name }) => [name, importNamed(name, handles, string)]),
  )
  const wasm = new WebAssembly.Instance(module, { wbg }).exports as PlayerExports
  return { wasm, handles }
}
