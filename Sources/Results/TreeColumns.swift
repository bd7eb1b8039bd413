// Columns of `runs.csv` with one for each level of a tree.

extension Row where Columns == RunColumns {
  /// Sets the column `nodes_<level>`.
  ///
  /// - Parameter level: 0 for leaves.
  public mutating func setNodeCount(_ count: UInt64, level: Int) {
    set("nodes_<level>", ending: String(level), .count(count))
  }

  /// Sets the column `epsilon_effective_<level>`.
  public mutating func setEffectiveEpsilon(_ epsilon: Double, level: Int) {
    set("epsilon_effective_<level>", ending: String(level), .real(epsilon))
  }

  /// Sets the column `buffer_fill_<level>`.
  public mutating func setBufferFill(_ fill: Double, level: Int) {
    set("buffer_fill_<level>", ending: String(level), .real(fill))
  }
}
