// Where in the grid a row stands, for axes whose keys are no columns of their own: device.*, phases.NAME.* and
// engines.LABEL.maximum_operations become `p_` columns, so that a figure or a claim along them finds its x in the
// row, and no two points of the grid are taken for repeats of one.

import Results

/// Writes axis values into rows.
enum AxisColumns {
  /// `rows` of the run `spec` with the values of its axes.
  static func filled(_ rows: [RunRow], _ spec: RunSpec, _ study: Study) -> [RunRow] {
    let columns = columns(spec, study)
    guard !columns.isEmpty else { return rows }
    return rows.map { row in
      var row = row
      for column in columns { row.setParameter(column.name, column.value) }
      return row
    }
  }

  /// A stored run with the values of its axes. They are no part of what is stored, because the same run may stand
  /// elsewhere in another study's grid.
  ///
  /// - Throws: `.malformed` for a stored text that is no table.
  static func filled(
    _ stored: StoredRun, _ spec: RunSpec, _ study: Study
  ) throws(RecordError) -> StoredRun {
    guard !columns(spec, study).isEmpty, let text = stored.tables[.runs] else { return stored }
    let rows = try Table<RunColumns>.rows(text, file: "runs.csv of the stored run \(spec.id)")
    var filled = stored
    filled.setRows(self.filled(rows, spec, study))
    return filled
  }

  private static func columns(_ spec: RunSpec, _ study: Study) -> [(name: String, value: String)] {
    spec.axisPoints.compactMap { point in
      guard let axis = study.axes.first(where: { $0.path == point.path }) else { return nil }
      switch axis.target {
      case .device(let name) where name.hasPrefix(StudyVocabulary.flashPrefix): return nil
      case .device, .phase, .engineOperations:
        return (String(axis.target.column(study.phases).dropFirst(2)), point.value.description)
      default: return nil
      }
    }
  }
}
