# Read amplification: scan
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
set yrange [76:0]
set grid xtics noytics
set key off
of(s, p, m) = stringcolumn('series') eq s && stringcolumn('phase') eq p ? column(m) : NaN
at(d) = column('position') + d
# A logarithmic axis has no place for 0: its label stands where the axis begins.
seen(v, low) = v < low ? low : v

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,258 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,258 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'read_amplification.'.kind
  unset label
  unset object
  set label 1 'Read amplification: scan' at screen 0.016, screen 0.8992 left noenhanced font ',22'
  set label 2 '400,000 records · 1,000 operations · batch 100 · durability prefix · memory 5.53 MiB' at screen 0.016, screen 0.7907 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 '3 seeds: median and 95 % interval · memory device' at screen 0.016, screen 0.7093 left noenhanced font ',15' textcolor rgb '#555555'
  set multiplot
  set lmargin at screen 0.1720
  set rmargin at screen 0.5430
  set tmargin at screen 0.5891
  set bmargin at screen 0.2946
  unset logscale x
  set xrange [0.0:3.6149999999999998]
  set xtics ('0' 0.0, '1' 1.0, '2' 2.0, '3' 3.0)
  set xlabel 'read transfers per operation' noenhanced
  set ytics ('btree bulk off' 22, 'btree bulk on' 58) scale 0
  plot \
    data using (of('btree phase_load_bulk=false', 'scan', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (of('btree phase_load_bulk=false', 'scan', 'ra_ios')):(at(0.0)):(column('ra_ios_lower')):(column('ra_ios_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree phase_load_bulk=false', 'scan', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree phase_load_bulk=true', 'scan', 'ra_ios')):(at(0.0)):(0.0):(column('ra_ios')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#f0c7a6' fillcolor rgb '#f0c7a6', \
    data using (of('btree phase_load_bulk=true', 'scan', 'ra_ios')):(at(0.0)):(column('ra_ios_lower')):(column('ra_ios_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree phase_load_bulk=true', 'scan', 'ra_ios_upper'), 0.0)):(at(0.0)):(short(column('ra_ios'))) with labels left offset char 0.4,0 noenhanced font ',15'
  unset label
  unset object
  set lmargin at screen 0.5890
  set rmargin at screen 0.9600
  set tmargin at screen 0.5891
  set bmargin at screen 0.2946
  unset logscale x
  set xrange [0.0:29015.039999999997]
  set xtics ('0' 0.0, '10 k' 10000.0, '20 k' 20000.0)
  set xlabel 'bytes read per operation' noenhanced
  set ytics ('' 22, '' 58) scale 0
  plot \
    data using (of('btree phase_load_bulk=false', 'scan', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (of('btree phase_load_bulk=false', 'scan', 'read_bytes_per_operation')):(at(0.0)):(column('read_bytes_per_operation_lower')):(column('read_bytes_per_operation_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree phase_load_bulk=false', 'scan', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree phase_load_bulk=true', 'scan', 'read_bytes_per_operation')):(at(0.0)):(0.0):(column('read_bytes_per_operation')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#f0c7a6' fillcolor rgb '#f0c7a6', \
    data using (of('btree phase_load_bulk=true', 'scan', 'read_bytes_per_operation')):(at(0.0)):(column('read_bytes_per_operation_lower')):(column('read_bytes_per_operation_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree phase_load_bulk=true', 'scan', 'read_bytes_per_operation_upper'), 0.0)):(at(0.0)):(short(column('read_bytes_per_operation'))) with labels left offset char 0.4,0 noenhanced font ',15'
  unset label
  unset object
  unset multiplot
  unset output
}
