# Read amplification: warm, point_read, scan_100
# Draw again with: gnuplot read_amplification.gnuplot
# Reads read_amplification.csv, writes read_amplification.svg and read_amplification.png.

data = 'read_amplification.csv'
set datafile separator comma
set datafile columnheaders
set encoding utf8
set style fill solid 1.0 noborder
set tics nomirror out scale 0.6 noenhanced textcolor rgb '#222222'
set border 3 linecolor rgb '#666666'
set grid linetype 1 linewidth 0.8 linecolor rgb '#dddddd'
# Three digits that matter and a unit of thousands.
grouped(v) = v < 1000 ? sprintf('%d', v) : sprintf('%d,%03d', v / 1000, v % 1000)
digits(v) = v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : sprintf('%.0f', v)
short(v) = v == 0 ? '0' : v < 0.00995 ? sprintf('%.2g', v) : v < 0.9995 ? sprintf('%.3f', v) : v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : v < 99999.5 ? grouped(int(v + 0.5)) : v < 999500 ? sprintf('%.0f k', v / 1e3) : v < 9.995e8 ? digits(v / 1e6).' M' : v < 9.995e11 ? digits(v / 1e9).' G' : sprintf('%.3g', v)
set yrange [526:0]
set grid xtics noytics
set key off
of(s, p, m) = stringcolumn('series') eq s && stringcolumn('phase') eq p ? column(m) : NaN
at(d) = column('position') + d
# A logarithmic axis has no place for 0: its label stands where the axis begins.
seen(v, low) = v < low ? low : v

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,708 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,708 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'read_amplification.'.kind
  unset label
  unset object
  set label 1 'Read amplification: warm, point_read, scan_100' at screen 0.016, screen 0.9633 left noenhanced font ',22'
  set label 2 '5,000,000 records · 50,000 to 1,000,000 operations · batch 1,000 · durability prefix, at_checkpoints · memory 2 GiB' at screen 0.016, screen 0.9237 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 '3 seeds: median and 95 % interval · memory device' at screen 0.016, screen 0.8941 left noenhanced font ',15' textcolor rgb '#555555'
  set multiplot
  set lmargin at screen 0.1420
  set rmargin at screen 0.5280
  set tmargin at screen 0.8503
  set bmargin at screen 0.1073
  unset logscale x
  set xrange [0.0:1.25]
  set xtics ('0.0' 0.0, '0.5' 0.5, '1.0' 1.0)
  set xlabel 'read transfers per operation' noenhanced
  set ytics ('btree' 52, 'btree-log' 88, 'sqlite' 124, 'sqlite-unix' 160, 'btree' 226, 'btree-log' 262, 'sqlite' 298, 'sqlite-unix' 334, 'btree' 400, 'btree-log' 436, 'sqlite' 472, 'sqlite-unix' 508) scale 0
  set label 'phase warm, warm cache' at graph 0, first 19 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  set label 'not measured' at first 0.0, first 160 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  set label 'phase point_read, warm cache' at graph 0, first 193 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  set label 'not measured' at first 0.0, first 334 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  set label 'phase scan_100, warm cache' at graph 0, first 367 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  set label 'not measured' at first 0.0, first 508 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  plot \
    data using (of('btree', 'warm', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree', 'warm', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'warm', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#753400' fillcolor rgb '#753400', \
    data using (seen(of('btree-log', 'warm', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'warm', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite', 'warm', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'point_read', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree', 'point_read', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'point_read', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#753400' fillcolor rgb '#753400', \
    data using (seen(of('btree-log', 'point_read', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'point_read', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite', 'point_read', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'scan_100', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree', 'scan_100', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'scan_100', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#753400' fillcolor rgb '#753400', \
    data using (seen(of('btree-log', 'scan_100', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'scan_100', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite', 'scan_100', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15'
  unset label
  unset object
  set lmargin at screen 0.5740
  set rmargin at screen 0.9600
  set tmargin at screen 0.8503
  set bmargin at screen 0.1073
  unset logscale x
  set xrange [0.0:1.25]
  set xtics ('0.0' 0.0, '0.5' 0.5, '1.0' 1.0)
  set xlabel 'bytes read per operation' noenhanced
  set ytics ('' 52, '' 88, '' 124, '' 160, '' 226, '' 262, '' 298, '' 334, '' 400, '' 436, '' 472, '' 508) scale 0
  set label 'not measured' at first 0.0, first 160 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  set label 'not measured' at first 0.0, first 334 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  set label 'not measured' at first 0.0, first 508 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  plot \
    data using (of('btree', 'warm', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree', 'warm', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'warm', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#753400' fillcolor rgb '#753400', \
    data using (seen(of('btree-log', 'warm', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'warm', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite', 'warm', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'point_read', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree', 'point_read', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'point_read', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#753400' fillcolor rgb '#753400', \
    data using (seen(of('btree-log', 'point_read', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'point_read', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite', 'point_read', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'scan_100', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree', 'scan_100', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'scan_100', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#753400' fillcolor rgb '#753400', \
    data using (seen(of('btree-log', 'scan_100', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'scan_100', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite', 'scan_100', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15'
  unset label
  unset object
  unset multiplot
  unset output
}
