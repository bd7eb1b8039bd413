// Memory from the system, aligned for huge pages. The only place that maps memory.

import Glibc

enum SystemMemory {
  /// Zeroed memory aligned to 2 MiB, with the advice to use huge pages.
  ///
  /// Precondition: the system has it; running out of memory ends the process, as everywhere in Swift.
  static func map(byteCount: Int) -> UnsafeMutableRawPointer {
    let alignment = 2 << 20
    guard
      let start = mmap(
        nil, byteCount + alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      start != MAP_FAILED
    else { preconditionFailure("The system has no \(byteCount) bytes of memory for a slab of frames.") }
    // The mapping is larger by one alignment: give back what lies before and after the aligned part.
    let address = UInt(bitPattern: start)
    let aligned = (address + UInt(alignment) - 1) & ~UInt(alignment - 1)
    let before = Int(aligned - address)
    if before > 0 { munmap(start, before) }
    if alignment - before > 0 { munmap(start + before + byteCount, alignment - before) }
    madvise(start + before, byteCount, MADV_HUGEPAGE)
    return start + before
  }

  /// Gives back what `map` gave.
  static func unmap(_ start: UnsafeMutableRawPointer, byteCount: Int) { munmap(start, byteCount) }
}
