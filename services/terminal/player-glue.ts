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

export type Handles = {
  add(value: unknown): number
  get(handle: number): unknown
  drop(handle: number): void
  copy(): Handles
  ignoring(call: () => unknown): void
  take(handle: number): unknown
}

/** Handles of the objects that cross the border. Names of fields are kept by the other side for ever. */
const createHandles = (objects: unknown[] = new Array(reserved).fill(undefined), free: number[] = []): Handles => {
  let isWanted = true
  const drop = (handle: number): void => {
    if (handle < reserved) return
    objects[handle] = undefined
    free.push(handle)
  }
  return {
    add: (value: unknown): number => {
      if (!isWanted) return 0
      const handle = free.pop() ?? objects.length
      objects[handle] = value
      return handle
    },
    get: (handle: number): unknown => objects[handle],
    drop,
    /** For a memory that is a copy. */
    copy: (): Handles => createHandles([...objects], [...free]),
    /** What the call returns is of no use: nothing of it is kept. */
    ignoring: (call: () => unknown): void => {
      isWanted = false
      try {
        call()
      } finally {
        isWanted = true
      }
    },
    /** What a call returned. */
    take: (handle: number): unknown => {
      const value = objects[handle]
      drop(handle)
      return value
    },
  }
}

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
      if (Array.isArray(target)) target[index] = handles.take(value)
    }
  if (name.startsWith('__wbg_set_'))
    return (object: number, key: number, value: number) =>
      Object.assign(Object(handles.get(object)), { [String(handles.take(key))]: handles.take(value) })
  if (name === '__wbindgen_cast_2241b6af4c4b2941')
    return (at: number, length: number) => handles.add(string(at, length))
  if (name.startsWith('__wbindgen_cast_')) return (value: unknown) => handles.add(value)
  if (name === '__wbindgen_object_clone_ref') return (handle: number) => handles.add(handles.get(handle))
  if (name === '__wbindgen_object_drop_ref') return handles.drop
  return (at: number, length: number) => {
    throw new Error(string(at, length))
  }
}

/** A memory of its own, so that output which breaks one terminal breaks no other. */
export const instantiatePlayer = (handles = createHandles()): { wasm: PlayerExports; handles: Handles } => {
  const module = playerWasm()
  const string = (at: number, length: number) => text.decode(new Uint8Array(wasm.memory.buffer, at, length))
  const wbg = Object.fromEntries(
    WebAssembly.Module.imports(module).map(({ name }) => [name, importNamed(name, handles, string)]),
  )
  const wasm = new WebAssembly.Instance(module, { wbg }).exports as PlayerExports
  return { wasm, handles }
}
