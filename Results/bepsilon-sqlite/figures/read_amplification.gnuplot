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
set yrange [742:0]
set grid xtics noytics
set key off
of(s, p, m) = stringcolumn('series') eq s && stringcolumn('phase') eq p ? column(m) : NaN
at(d) = column('position') + d
# A logarithmic axis has no place for 0: its label stands where the axis begins.
seen(v, low) = v < low ? low : v

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,924 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,924 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'read_amplification.'.kind
  unset label
  unset object
  set label 1 'Read amplification: warm, point_read, scan_100' at screen 0.016, screen 0.9719 left noenhanced font ',22'
  set label 2 '5,000,000 records · 50,000 to 500,000 operations · batch 1,000 · durability prefix, at_checkpoints · memory 2 GiB' at screen 0.016, screen 0.9416 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 '3 seeds: median and 95 % interval · memory device' at screen 0.016, screen 0.9188 left noenhanced font ',15' textcolor rgb '#555555'
  set multiplot
  set lmargin at screen 0.1420
  set rmargin at screen 0.5280
  set tmargin at screen 0.8853
  set bmargin at screen 0.0823
  unset logscale x
  set xrange [0.0:1.25]
  set xtics ('0.0' 0.0, '0.5' 0.5, '1.0' 1.0)
  set xlabel 'read transfers per operation' noenhanced
  set ytics ('be-256k' 52, 'be-1m' 88, 'be-4m' 124, 'btree-log' 160, 'sqlite' 196, 'sqlite-unix' 232, 'be-256k' 298, 'be-1m' 334, 'be-4m' 370, 'btree-log' 406, 'sqlite' 442, 'sqlite-unix' 478, 'be-256k' 544, 'be-1m' 580, 'be-4m' 616, 'btree-log' 652, 'sqlite' 688, 'sqlite-unix' 724) scale 0
  set label 'phase warm, warm cache' at graph 0, first 19 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  set label 'not measured' at first 0.0, first 232 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  set label 'phase point_read, warm cache' at graph 0, first 265 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  set label 'not measured' at first 0.0, first 478 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  set label 'phase scan_100, warm cache' at graph 0, first 511 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  set label 'not measured' at first 0.0, first 724 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  plot \
    data using (of('be-256k', 'warm', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (seen(of('be-256k', 'warm', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-1m', 'warm', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#e69f00', \
    data using (seen(of('be-1m', 'warm', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-4m', 'warm', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (seen(of('be-4m', 'warm', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'warm', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree-log', 'warm', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'warm', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite', 'warm', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-256k', 'point_read', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (seen(of('be-256k', 'point_read', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-1m', 'point_read', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#e69f00', \
    data using (seen(of('be-1m', 'point_read', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-4m', 'point_read', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (seen(of('be-4m', 'point_read', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'point_read', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree-log', 'point_read', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'point_read', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite', 'point_read', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-256k', 'scan_100', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (seen(of('be-256k', 'scan_100', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-1m', 'scan_100', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#e69f00', \
    data using (seen(of('be-1m', 'scan_100', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-4m', 'scan_100', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (seen(of('be-4m', 'scan_100', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'scan_100', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree-log', 'scan_100', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'scan_100', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite', 'scan_100', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15'
  unset label
  unset object
  set lmargin at screen 0.5740
  set rmargin at screen 0.9600
  set tmargin at screen 0.8853
  set bmargin at screen 0.0823
  unset logscale x
  set xrange [0.0:1.25]
  set xtics ('0.0' 0.0, '0.5' 0.5, '1.0' 1.0)
  set xlabel 'bytes read per operation' noenhanced
  set ytics ('' 52, '' 88, '' 124, '' 160, '' 196, '' 232, '' 298, '' 334, '' 370, '' 406, '' 442, '' 478, '' 544, '' 580, '' 616, '' 652, '' 688, '' 724) scale 0
  set label 'not measured' at first 0.0, first 232 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  set label 'not measured' at first 0.0, first 478 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  set label 'not measured' at first 0.0, first 724 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  plot \
    data using (of('be-256k', 'warm', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (seen(of('be-256k', 'warm', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-1m', 'warm', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#e69f00', \
    data using (seen(of('be-1m', 'warm', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-4m', 'warm', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (seen(of('be-4m', 'warm', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'warm', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree-log', 'warm', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'warm', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite', 'warm', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-256k', 'point_read', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (seen(of('be-256k', 'point_read', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-1m', 'point_read', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#e69f00', \
    data using (seen(of('be-1m', 'point_read', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-4m', 'point_read', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (seen(of('be-4m', 'point_read', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'point_read', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree-log', 'point_read', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'point_read', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite', 'point_read', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-256k', 'scan_100', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (seen(of('be-256k', 'scan_100', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-1m', 'scan_100', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#e69f00', \
    data using (seen(of('be-1m', 'scan_100', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-4m', 'scan_100', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (seen(of('be-4m', 'scan_100', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'scan_100', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree-log', 'scan_100', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'scan_100', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite', 'scan_100', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15'
  unset label
  unset object
  unset multiplot
  unset output
}
