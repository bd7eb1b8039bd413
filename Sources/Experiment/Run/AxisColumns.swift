// Where in the grid a row stands, for axes whose keys are no columns of their own: device.*, phases.NAME.* and
// engines.LABEL.maximum_operations become `p_` columns, so that a figure or a claim along them finds its x in the
// row, and no two points of the grid are taken for repeats of one.

import Results

/// Writes axis values into rows.
enum AxisColumns {
  /// `rows` of the run `spec` with the values of its axes.
  static func filled(_ rows: [RunRow], _ spec: RunSpec, _ study: Study) -> [RunRow] {
    let columns = spec.axisPoints.compactMap { point -> (name: String, value: String)? in
      guard let axis = study.axes.first(where: { $0.path == point.path }) else { return nil }
      switch axis.target {
      case .device(let name) where name.hasPrefix(StudyVocabulary.flashPrefix): return nil
      case .device, .phase, .engineOperations:
        return (String(axis.target.column(study.phases).dropFirst(2)), point.value.description)
      default: return nil
      }
    }
    guard !columns.isEmpty else { return rows }
    return rows.map { row in
      var row = row
      for column in columns { row.setParameter(column.name, column.value) }
      return row
    }
  }
}
