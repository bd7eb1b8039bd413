// Memory from the system, aligned for huge pages: the only place in this room that maps memory.

import CSystem

enum SystemMemory {
  /// Zeroed memory aligned to 2 MiB, with the advice to use huge pages.
  ///
  /// Precondition: the system has it; running out of memory ends the process, as everywhere in Swift.
  static func map(byteCount: Int) -> UnsafeMutableRawPointer {
    guard let start = betula_map(byteCount, 2 << 20, 1) else {
      preconditionFailure("The system has no \(byteCount) bytes of memory for a slab of frames.")
    }
    return start
  }

  /// Gives back what `map` gave.
  static func unmap(_ start: UnsafeMutableRawPointer, byteCount: Int) {
    precondition(betula_unmap(start, byteCount) == 0, "A mapped slab can be unmapped.")
  }
}
