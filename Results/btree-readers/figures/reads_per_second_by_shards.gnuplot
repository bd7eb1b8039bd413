# Point reads a second, by shards of the cache
# Draw again with: gnuplot reads_per_second_by_shards.gnuplot
# Reads reads_per_second_by_shards.csv, writes reads_per_second_by_shards.svg and reads_per_second_by_shards.png.

data = 'reads_per_second_by_shards.csv'
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
set lmargin at screen 0.1380
set rmargin at screen 0.5980
set tmargin at screen 0.8085
set bmargin at screen 0.1348
set key off
is(s) = stringcolumn('line') eq s
set logscale x 10
set xrange [0.9:17.6]
set xtics ('1' 1.0, '2' 2.0, '4' 4.0, '8' 8.0, '16' 16.0)
set xlabel 'cache shards, log scale' noenhanced
unset logscale y
set yrange [0.0:5170051.572321205]
set ytics ('0' 0.0, '1,000,000' 1000000.0, '2,000,000' 2000000.0, '3,000,000' 3000000.0, '4,000,000' 4000000.0, '5,000,000' 5000000.0)
set ylabel 'Throughput (operations/s)' noenhanced
set ylabel offset char -1.5,0

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,564 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,564 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'reads_per_second_by_shards.'.kind
  unset label
  unset object
  set label 1 'Point reads a second, by shards of the cache' at screen 0.016, screen 0.9539 left noenhanced font ',22'
  set label 2 '300,000 records · batch 1,000 · durability prefix · memory 12 MiB to 192 MiB · 3 seeds: median and 95 % interval' at screen 0.016, screen 0.9043 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 'memory device' at screen 0.016, screen 0.8670 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.6160, screen 0.7837 to screen 0.6380, screen 0.7908 front fillcolor rgb '#e7a36d' fillstyle solid noborder
  set label '' at screen 0.6270, screen 0.7872 front point pointtype 15 pointsize 1.7 linecolor rgb '#e7a36d'
  set label 'memory 192 MiB, threads 2: 4,665,415' at screen 0.6460, screen 0.7872 left noenhanced font ',16'
  set object rectangle from screen 0.6160, screen 0.7411 to screen 0.6380, screen 0.7482 front fillcolor rgb '#ebb183' fillstyle solid noborder
  set label '' at screen 0.6270, screen 0.7447 front point pointtype 6 pointsize 1.7 linecolor rgb '#ebb183'
  set label 'memory 192 MiB, threads 4: 4,340,818' at screen 0.6460, screen 0.7447 left noenhanced font ',16'
  set object rectangle from screen 0.6160, screen 0.6986 to screen 0.6380, screen 0.7057 front fillcolor rgb '#eebf99' fillstyle solid noborder
  set label '' at screen 0.6270, screen 0.7021 front point pointtype 4 pointsize 1.7 linecolor rgb '#eebf99'
  set label 'memory 192 MiB, threads 8: 4,293,958' at screen 0.6460, screen 0.7021 left noenhanced font ',16'
  set object rectangle from screen 0.6160, screen 0.6560 to screen 0.6380, screen 0.6631 front fillcolor rgb '#e39557' fillstyle solid noborder
  set label '' at screen 0.6270, screen 0.6596 front point pointtype 11 pointsize 1.7 linecolor rgb '#e39557'
  set label 'memory 192 MiB, threads 1: 2,058,398' at screen 0.6460, screen 0.6596 left noenhanced font ',16'
  set object rectangle from screen 0.6160, screen 0.6135 to screen 0.6380, screen 0.6206 front fillcolor rgb '#d96c16' fillstyle solid noborder
  set label '' at screen 0.6270, screen 0.6170 front point pointtype 5 pointsize 1.7 linecolor rgb '#d96c16'
  set label 'memory 12 MiB, threads 2: 792,679' at screen 0.6460, screen 0.6170 left noenhanced font ',16'
  set object rectangle from screen 0.6160, screen 0.5709 to screen 0.6380, screen 0.5780 front fillcolor rgb '#dc7a2c' fillstyle solid noborder
  set label '' at screen 0.6270, screen 0.5745 front point pointtype 9 pointsize 1.7 linecolor rgb '#dc7a2c'
  set label 'memory 12 MiB, threads 4: 780,024' at screen 0.6460, screen 0.5745 left noenhanced font ',16'
  set object rectangle from screen 0.6160, screen 0.5284 to screen 0.6380, screen 0.5355 front fillcolor rgb '#e08742' fillstyle solid noborder
  set label '' at screen 0.6270, screen 0.5319 front point pointtype 13 pointsize 1.7 linecolor rgb '#e08742'
  set label 'memory 12 MiB, threads 8: 771,258' at screen 0.6460, screen 0.5319 left noenhanced font ',16'
  set object rectangle from screen 0.6160, screen 0.4858 to screen 0.6380, screen 0.4929 front fillcolor rgb '#d55e00' fillstyle solid noborder
  set label '' at screen 0.6270, screen 0.4894 front point pointtype 7 pointsize 1.1 linecolor rgb '#d55e00'
  set label 'memory 12 MiB, threads 1: 429,570' at screen 0.6460, screen 0.4894 left noenhanced font ',16'
  plot \
    data using (is('btree memory_budget_bytes=12582912 phase_point_read_threads=1') ? column('x') : NaN):(column('lower')):(column('upper')) with filledcurves fillcolor rgb '#f2cfb3' fillstyle transparent solid 0.5 noborder, \
    data using (is('btree memory_budget_bytes=12582912 phase_point_read_threads=1') ? column('x') : NaN):(column('median')):(column('lower')):(column('upper')) with yerrorbars pointtype 0 linewidth 1.2 linecolor rgb '#d55e00', \
    data using (is('btree memory_budget_bytes=12582912 phase_point_read_threads=2') ? column('x') : NaN):(column('lower')):(column('upper')) with filledcurves fillcolor rgb '#f4d3b9' fillstyle transparent solid 0.5 noborder, \
    data using (is('btree memory_budget_bytes=12582912 phase_point_read_threads=2') ? column('x') : NaN):(column('median')):(column('lower')):(column('upper')) with yerrorbars pointtype 0 linewidth 1.2 linecolor rgb '#d96c16', \
    data using (is('btree memory_budget_bytes=12582912 phase_point_read_threads=4') ? column('x') : NaN):(column('lower')):(column('upper')) with filledcurves fillcolor rgb '#f5d7c0' fillstyle transparent solid 0.5 noborder, \
    data using (is('btree memory_budget_bytes=12582912 phase_point_read_threads=4') ? column('x') : NaN):(column('median')):(column('lower')):(column('upper')) with yerrorbars pointtype 0 linewidth 1.2 linecolor rgb '#dc7a2c', \
    data using (is('btree memory_budget_bytes=12582912 phase_point_read_threads=8') ? column('x') : NaN):(column('lower')):(column('upper')) with filledcurves fillcolor rgb '#f6dbc6' fillstyle transparent solid 0.5 noborder, \
    data using (is('btree memory_budget_bytes=12582912 phase_point_read_threads=8') ? column('x') : NaN):(column('median')):(column('lower')):(column('upper')) with yerrorbars pointtype 0 linewidth 1.2 linecolor rgb '#e08742', \
    data using (is('btree memory_budget_bytes=201326592 phase_point_read_threads=1') ? column('x') : NaN):(column('lower')):(column('upper')) with filledcurves fillcolor rgb '#f7dfcd' fillstyle transparent solid 0.5 noborder, \
    data using (is('btree memory_budget_bytes=201326592 phase_point_read_threads=1') ? column('x') : NaN):(column('median')):(column('lower')):(column('upper')) with yerrorbars pointtype 0 linewidth 1.2 linecolor rgb '#e39557', \
    data using (is('btree memory_budget_bytes=201326592 phase_point_read_threads=2') ? column('x') : NaN):(column('lower')):(column('upper')) with filledcurves fillcolor rgb '#f8e3d3' fillstyle transparent solid 0.5 noborder, \
    data using (is('btree memory_budget_bytes=201326592 phase_point_read_threads=2') ? column('x') : NaN):(column('median')):(column('lower')):(column('upper')) with yerrorbars pointtype 0 linewidth 1.2 linecolor rgb '#e7a36d', \
    data using (is('btree memory_budget_bytes=201326592 phase_point_read_threads=4') ? column('x') : NaN):(column('lower')):(column('upper')) with filledcurves fillcolor rgb '#f9e8da' fillstyle transparent solid 0.5 noborder, \
    data using (is('btree memory_budget_bytes=201326592 phase_point_read_threads=4') ? column('x') : NaN):(column('median')):(column('lower')):(column('upper')) with yerrorbars pointtype 0 linewidth 1.2 linecolor rgb '#ebb183', \
    data using (is('btree memory_budget_bytes=201326592 phase_point_read_threads=8') ? column('x') : NaN):(column('lower')):(column('upper')) with filledcurves fillcolor rgb '#faece0' fillstyle transparent solid 0.5 noborder, \
    data using (is('btree memory_budget_bytes=201326592 phase_point_read_threads=8') ? column('x') : NaN):(column('median')):(column('lower')):(column('upper')) with yerrorbars pointtype 0 linewidth 1.2 linecolor rgb '#eebf99', \
    data using (is('btree memory_budget_bytes=12582912 phase_point_read_threads=1') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#d55e00', \
    data using (is('btree memory_budget_bytes=12582912 phase_point_read_threads=2') ? column('x') : NaN):(column('median')) with linespoints pointtype 5 pointsize 1.7 linewidth 2.2 linecolor rgb '#d96c16', \
    data using (is('btree memory_budget_bytes=12582912 phase_point_read_threads=4') ? column('x') : NaN):(column('median')) with linespoints pointtype 9 pointsize 1.7 linewidth 2.2 linecolor rgb '#dc7a2c', \
    data using (is('btree memory_budget_bytes=12582912 phase_point_read_threads=8') ? column('x') : NaN):(column('median')) with linespoints pointtype 13 pointsize 1.7 linewidth 2.2 linecolor rgb '#e08742', \
    data using (is('btree memory_budget_bytes=201326592 phase_point_read_threads=1') ? column('x') : NaN):(column('median')) with linespoints pointtype 11 pointsize 1.7 linewidth 2.2 linecolor rgb '#e39557', \
    data using (is('btree memory_budget_bytes=201326592 phase_point_read_threads=2') ? column('x') : NaN):(column('median')) with linespoints pointtype 15 pointsize 1.7 linewidth 2.2 linecolor rgb '#e7a36d', \
    data using (is('btree memory_budget_bytes=201326592 phase_point_read_threads=4') ? column('x') : NaN):(column('median')) with linespoints pointtype 6 pointsize 1.7 linewidth 2.2 linecolor rgb '#ebb183', \
    data using (is('btree memory_budget_bytes=201326592 phase_point_read_threads=8') ? column('x') : NaN):(column('median')) with linespoints pointtype 4 pointsize 1.7 linewidth 2.2 linecolor rgb '#eebf99'
  unset output
}
