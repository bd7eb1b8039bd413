// What must always hold between the files' regions, the allocator and the gather buffer, checked by the tests.

import Accounting
import Primitives

extension FileSpace {
  /// Checks that every chunk belongs to exactly one file or is free, and that no file is longer than its regions.
  ///
  /// - Throws: `.corrupted` at the first that fails. Reads nothing.
  public func verify() throws(StorageError) {
    try check()
    var runs = allocator.free.map { (start: UInt64($0.start), end: UInt64($0.end)) }
    let chunk = UInt64(chunkByteCount)
    func add(_ deviceOffset: UInt64, _ byteCount: UInt64) {
      let start = (deviceOffset - dataStart) / chunk
      runs.append((start, start + byteCount / chunk))
    }
    for freed in pendingFrees { add(freed.deviceOffset, freed.byteCount) }
    for file in files {
      for region in file.regions { add(region.deviceOffset, region.byteCount) }
      if file.byteCount > file.allocatedByteCount {
        throw .corrupted(
          structure: "file space", offset: 0, detail: "file \(file.id) is longer than its regions")
      }
    }
    runs.sort { $0.start < $1.start }
    var position: UInt64 = 0
    for run in runs {
      if run.start != position {
        throw .corrupted(
          structure: "file space", offset: dataStart + position * chunk,
          detail: "live + free + pending chunks are not all chunks")
      }
      position = run.end
    }
    if position != UInt64(chunkCount(chunkByteCount)) {
      throw .corrupted(
        structure: "file space", offset: dataStart + position * chunk, detail: "chunks are missing")
    }
  }
}
